// The runner's handler processes: one per request, each followed to its end.
#pragma once

#include <sys/types.h>

#include <map>

#include "daemons/netd/cni-runner/plugin-group.h"
#include "daemons/netd/cni-runner/run-handler.h"

namespace bulkhead::cni {

class Handlers {
 public:
  // `control`: the runner's own socket, which handlers do not keep.
  explicit Handlers(int control) : control_(control) {}

  // Forks a handler for `packet`. One that cannot be forked, or dies, closes the request's answer socket,
  // which is how the caller learns of it.
  void start(ipc::Packet packet, const Places& places);

  // Takes note of those that ended. What a killed one leaves running is killed too: its lock on the pod's
  // namespace is gone, and the pod's DEL must not be overtaken by an ADD that goes on.
  void reap();

 private:
  [[noreturn]] void handle(ipc::Packet packet, PluginGroup& group, const Places& places) const;

  int control_;
  std::map<pid_t, PluginGroup> running_;
};

}  // namespace bulkhead::cni
