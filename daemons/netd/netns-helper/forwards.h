// The forwarded connections: a child for each, which connects to the port and then carries the bytes.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <list>

#include "daemons/common/base/error.h"
#include "daemons/common/base/fd.h"
#include "daemons/common/base/ids.h"

namespace bulkhead::netns {

class Forwards {
 public:
  // `node`: the node's network namespace, or invalid: its ports are not to be reached. `own`: this process's,
  // which is empty.
  Forwards(Fd node, Fd own) : node_(std::move(node)), own_(std::move(own)) {}

  // `space`: the pod's namespace. `client`: a connected stream socket, on which the child says how it went
  // (ipc/schema/network.capnp, forward). resourceExhausted if there are too many.
  Outcome<void> start(const PodId& pod, const Fd& space, std::uint16_t port, Fd client);
  // For a pod in the node's. permissionDenied without --node.
  Outcome<void> startOnNode(const PodId& pod, std::uint16_t port, Fd client);
  // Nothing of ours must keep a namespace.
  void endThoseOf(const PodId& pod);
  // Returns when `control` has something; meanwhile children that ended are waited for.
  void reapUntilAsked(int control);

 private:
  struct Child {
    PodId pod;
    pid_t pid;
    Fd process;
  };
  [[noreturn]] void serve(const Fd& space, std::uint16_t port, Fd client) const;

  const Fd node_, own_;
  std::list<Child> children_;
};

}  // namespace bulkhead::netns
