// Where an instance's control groups are: one for each daemon, beneath the supervisor's own. They say which
// process a peer is (ipc/peer.h); no controller limits anything by them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/common/base/fd.h"

namespace bulkhead::supervisor {

// One hierarchy of this host, and the calling process's place in it.
struct CgroupPlace {
  std::string directory;  // the process's own group, in the file system
  std::string line;       // its line of /proc/self/cgroup, as "8:pids:/user" or "0::/"
};

// Chooses the unified hierarchy where there is one (also on a hybrid host), else v1's pids, else
// name=systemd. `mountInfo` and `cgroups` are /proc/self/mountinfo and /proc/self/cgroup. Nothing if none of
// them is mounted where we can see our own group.
std::optional<CgroupPlace> findCgroupPlace(std::string_view mountInfo, std::string_view cgroups);

class CgroupHome {
 public:
  // Makes PLACE/TAG. Throws SystemError.
  CgroupHome(const CgroupPlace& place, const std::string& tag);

  // Makes the group of one daemon (an existing one is fine: shims of an earlier run may live in it) and opens
  // its cgroup.procs: writing "0" there moves the writer. Throws SystemError.
  [[nodiscard]] Fd make(const std::string& daemon) const;

  // The line of /proc/PID/cgroup that processes in this daemon's group have.
  [[nodiscard]] std::string lineOf(const std::string& daemon) const;

  // Processes in this daemon's group now.
  [[nodiscard]] std::vector<pid_t> processesOf(const std::string& daemon) const;

  // Removes the given groups and the home, as far as they are empty. True if all are gone.
  [[nodiscard]] bool remove(const std::vector<std::string>& daemons) const;

 private:
  std::string directory_;
  std::string line_;
};

}  // namespace bulkhead::supervisor
