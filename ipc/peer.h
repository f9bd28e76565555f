// Who is at the other end of a socket, asked once, at accept.
#pragma once

#include <sys/types.h>

#include <string>

#include "daemons/common/base/error.h"

namespace bulkhead::ipc {

// The one peer a door lets in.
struct PermittedPeer {
  uid_t uid = 0;
  // A whole line of the peer's /proc/PID/cgroup, such as "0::/bulkhead.slice/bulkhead-cri.service": the
  // process is where the supervisor put it, not merely somebody with the uid. Empty: the supervisor gave no
  // place to check.
  std::string cgroup;
};

// Refuses (permissionDenied, safe text) unless the process that connected `socket` is `permitted`. The
// process is held by a pidfd while /proc is read, so that a recycled pid is never mistaken for it.
Outcome<void> checkPeer(int socket, const PermittedPeer& permitted);

}  // namespace bulkhead::ipc
