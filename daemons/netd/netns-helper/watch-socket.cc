#include "daemons/netd/netns-helper/watch-socket.h"

#include <linux/netlink.h>
#include <sched.h>
#include <sys/socket.h>

namespace bulkhead::netns {

Fd openWatchSocket(const Fd& space) {
  if (::setns(space.get(), CLONE_NEWNET) != 0) return {};
  return Fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
}

}  // namespace bulkhead::netns
