// A CNI plugin's process: started as a stranger would be, killed with its process group at the deadline.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "daemons/common/base/fd.h"
#include "daemons/netd/cni-runner/plugin-group.h"

namespace bulkhead::cni {

using Deadline = std::chrono::steady_clock::time_point;

struct StandardFds {
  Fd in, out, err;
};

class PluginProcess {
 public:
  // Forks and executes `path` in `group`; the plugin is killed when this process dies. Nothing of the
  // runner's walls, signals or descriptors is passed on but the capability bounding set, which is the point.
  // A failed exec shows as exit status 127. Throws SystemError.
  PluginProcess(const std::string& path, std::vector<std::string> environment, const StandardFds& fds,
                PluginGroup& group);

  // True when the plugin has ended; false at `deadline`, or when the peer of the socket `caller` (-1: none)
  // has gone.
  bool wait(Deadline deadline, int caller) const;
  // SIGKILL to it and its whole group.
  void kill() const;
  // Blocks until it has ended: 0-255, or 128 + signal.
  int reap() const;

 private:
  PluginGroup& group_;
  pid_t pid_ = -1;
  Fd handle_;
};

// Whether the peer of the socket `caller` has gone; false for -1.
bool hasHungUp(int caller);

}  // namespace bulkhead::cni
