// What the interfaces of a network namespace have moved, as its kernel tells over a route netlink socket
// (rtnetlink(7), RTM_GETLINK). The interfaces are the pod's own to make and to name.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "daemons/common/base/error.h"
#include "daemons/common/base/fd.h"

namespace bulkhead::netd {

// Since the interface was made.
struct LinkCounters {
  std::string name;  // printable ASCII
  uint64_t receivedBytes = 0, receivedPackets = 0, receivedErrors = 0, receivedDropped = 0;
  uint64_t sentBytes = 0, sentPackets = 0, sentErrors = 0, sentDropped = 0;
};

// All but lo, and but those with odd names. The kernel answers while it is asked, so nothing waits. Refuses
// if it does not, or has more to say than anybody should read: `socket` is of no use any more then.
Outcome<std::vector<LinkCounters>> readLinkCounters(const Fd& socket);

}  // namespace bulkhead::netd
