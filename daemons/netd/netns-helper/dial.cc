#include "daemons/netd/netns-helper/dial.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>

#include "daemons/common/base/error.h"

namespace bulkhead::netns {
namespace {

constexpr timeval patience{10, 0};

Fd streamSocket(int family) {
  return Fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

// socket(7): SO_SNDTIMEO bounds connect(2) as well.
bool connectWithin(const Fd& socket, const sockaddr* address, socklen_t size) {
  return ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0 &&
         ::connect(socket.get(), address, size) == 0;
}

}  // namespace

Fd dialLoopback(const Fd& space, const Fd& own, std::uint16_t port) {
  if (::setns(space.get(), CLONE_NEWNET) != 0) return {};
  std::array<Fd, 2> sockets{streamSocket(AF_INET), streamSocket(AF_INET6)};
  if (::setns(own.get(), CLONE_NEWNET) != 0) throwErrno("leave the pod's network namespace");

  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (sockets[0] && connectWithin(sockets[0], reinterpret_cast<const sockaddr*>(&v4), sizeof v4))
    return std::move(sockets[0]);
  int number = errno;

  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  v6.sin6_addr = in6addr_loopback;
  if (sockets[1] && connectWithin(sockets[1], reinterpret_cast<const sockaddr*>(&v6), sizeof v6))
    return std::move(sockets[1]);
  errno = number;  // what people expect to read about 127.0.0.1
  return {};
}

}  // namespace bulkhead::netns
