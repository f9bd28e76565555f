#include "daemons/common/base/sockets.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string_view>

#include "daemons/common/base/error.h"

namespace bulkhead {
namespace {

constexpr int firstInherited = 3;  // SD_LISTEN_FDS_START

void checkListener(const std::string& name, int fd) {
  int accepting = 0;
  socklen_t size = sizeof accepting;
  bool listens = ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &size) == 0 && accepting == 1;
  int domain = 0;
  size = sizeof domain;
  bool known = ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 &&
               (domain == AF_UNIX || (name == "stream" && (domain == AF_INET || domain == AF_INET6)));
  if (!listens || !known)
    throw std::runtime_error("inherited socket '" + name + "' is not a listener of the right kind");
}

}  // namespace

std::map<std::string, Fd> takeInheritedSockets() {
  std::map<std::string, Fd> sockets;
  const char* pid = ::getenv("LISTEN_PID");
  const char* count = ::getenv("LISTEN_FDS");
  const char* names = ::getenv("LISTEN_FDNAMES");
  bool ours = pid != nullptr && count != nullptr && std::to_string(::getpid()) == pid;
  if (ours) {
    std::string_view left = names != nullptr ? names : "";
    int total = static_cast<int>(std::strtol(count, nullptr, 10));
    for (int fd = firstInherited; fd < firstInherited + total; ++fd) {
      size_t colon = left.find(':');
      std::string name(left.substr(0, colon));
      left = colon == left.npos ? "" : left.substr(colon + 1);
      Fd socket(fd);
      if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        throw std::runtime_error("LISTEN_FDS promises more than there is");
      checkListener(name, fd);
      if (!sockets.emplace(name, std::move(socket)).second)
        throw std::runtime_error("socket '" + name + "' came twice");
    }
  }
  for (const char* variable : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) (void)::unsetenv(variable);
  return sockets;
}

Fd takeSocket(std::map<std::string, Fd>& sockets, const std::string& name) {
  auto found = sockets.find(name);
  if (found == sockets.end()) {
    throw std::runtime_error("socket '" + name +
                             "' was not passed (LISTEN_FDS): start me through bulkheadctl up or systemd");
  }
  Fd socket = std::move(found->second);
  sockets.erase(found);
  return socket;
}

Fd connectTo(const std::string& path, int type) {
  struct sockaddr_un address {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return {};
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  Fd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  if (!socket) return {};
  while (::connect(socket.get(), reinterpret_cast<struct sockaddr*>(&address), sizeof address) != 0) {
    if (errno != EINTR) return {};
  }
  return socket;
}

Fd listenForGroup(const std::string& path, gid_t group) {
  constexpr int backlog = 1024;  // a pod's init never takes a connection
  struct sockaddr_un address {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw SystemError("listen at " + path, ENAMETOOLONG);
  std::memcpy(address.sun_path, path.data(), path.size());
  (void)::unlink(path.c_str());
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  bool bound =
      socket && ::bind(socket.get(), reinterpret_cast<struct sockaddr*>(&address), sizeof address) == 0;
  if (!bound || ::chmod(path.c_str(), 0660) != 0 || ::chown(path.c_str(), 0, group) != 0 ||
      ::listen(socket.get(), backlog) != 0) {
    throwErrno("listen at " + path);
  }
  return socket;
}

Fd acceptOn(int listener) {
  while (true) {
    Fd connection(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    if (connection || (errno != EINTR && errno != ECONNABORTED)) return connection;
  }
}

}  // namespace bulkhead
