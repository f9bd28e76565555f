#include "cli/supervisor/listeners.h"

#include <fcntl.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>

#include "daemons/common/base/error.h"

namespace bulkhead::supervisor {
namespace {

// Requests wait here while a daemon restarts.
constexpr int backlog = 1024;

struct sockaddr_un addressOf(const std::string& path) {
  struct sockaddr_un address {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    throwErrno("socket " + path);
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

// Whoever owns the directory could swap the name: ownership is set on the opened file, and only if it is a
// socket.
void own(const std::string& path, cli::Account owner, unsigned mode) {
  Fd file(::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat what {};
  if (!file || ::fstat(file.get(), &what) != 0) throwErrno("open socket " + path);
  if (!S_ISSOCK(what.st_mode)) {
    errno = ENOTSOCK;
    throwErrno("socket " + path);
  }
  if (::fchownat(file.get(), "", owner.uid, owner.gid, AT_EMPTY_PATH) != 0) throwErrno("chown " + path);
  std::string reopened = "/proc/self/fd/" + std::to_string(file.get());
  if (::chmod(reopened.c_str(), mode) != 0) throwErrno("chmod " + path);
}

Fd bindAt(const std::string& path, int type) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) throwErrno("remove stale socket " + path);
  Fd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  if (!socket) throwErrno("socket");
  struct sockaddr_un address = addressOf(path);
  mode_t before = ::umask(0177);  // nobody else may connect until owner and mode are right
  int bound = ::bind(socket.get(), reinterpret_cast<struct sockaddr*>(&address), sizeof address);
  int error = errno;
  (void)::umask(before);
  errno = error;
  if (bound != 0) throwErrno("bind " + path);
  return socket;
}

}  // namespace

Fd makeListener(const SocketSpec& spec) {
  Fd socket = bindAt(spec.path, spec.type);
  own(spec.path, spec.owner, spec.mode);
  if (::listen(socket.get(), backlog) != 0) throwErrno("listen at " + spec.path);
  return socket;
}

Fd makeListener(const InetSpec& spec) {
  std::string what = "listen at " + spec.place.address + " port " + std::to_string(spec.place.port);
  struct addrinfo hints {};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  struct addrinfo* found = nullptr;
  if (::getaddrinfo(spec.place.address.c_str(), std::to_string(spec.place.port).c_str(), &hints, &found) != 0)
    throw SystemError(what, EADDRNOTAVAIL);
  std::unique_ptr<struct addrinfo, decltype(&::freeaddrinfo)> address(found, &::freeaddrinfo);
  Fd socket(::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  int on = 1;  // connections of the last run do not keep a port of our own from us
  if (!socket || ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::bind(socket.get(), address->ai_addr, address->ai_addrlen) != 0 ||
      ::listen(socket.get(), backlog) != 0)
    throwErrno(what);
  return socket;
}

NotifySocket::NotifySocket(std::string path)
    : path_(std::move(path)), socket_(bindAt(path_, SOCK_DGRAM | SOCK_NONBLOCK)) {
  int on = 1;
  if (::setsockopt(socket_.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) throwErrno("SO_PASSCRED");
  own(path_, {}, 0666);
}

std::optional<pid_t> NotifySocket::receive(bool& more) const {
  std::array<char, 4096> text{};
  alignas(struct cmsghdr) std::array<char, CMSG_SPACE(sizeof(struct ucred))> control{};
  struct iovec body {
    text.data(), text.size()
  };
  struct msghdr message {};
  message.msg_iov = &body;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t n = ::recvmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  more = n >= 0;
  if (n < 0) return std::nullopt;
  std::string_view lines(text.data(), static_cast<size_t>(n));
  if (("\n" + std::string(lines) + "\n").find("\nREADY=1\n") == std::string::npos) return std::nullopt;
  for (struct cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS) continue;
    struct ucred who {};
    std::memcpy(&who, CMSG_DATA(c), sizeof who);
    return who.pid;
  }
  return std::nullopt;
}

}  // namespace bulkhead::supervisor
