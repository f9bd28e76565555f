#include "daemons/shim/console/console.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "daemons/common/base/error.h"

namespace bulkhead::console {
namespace {

// The first descriptor of one message; what else comes with it is closed.
Fd receiveDescriptor(int socket) {
  char bytes[256];  // runc sends the terminal's name along
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  iovec vector{bytes, sizeof bytes};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) < 0) return {};
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  bool one = header != nullptr && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
             header->cmsg_len == CMSG_LEN(sizeof(int));
  int fd = -1;
  if (one) std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return Fd(fd);
}

}  // namespace

ConsoleSocket::ConsoleSocket(int directory)
    : directory_(directory),
      name_("console-" + std::to_string(::getpid())),
      path_("/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(directory) + "/" + name_),
      listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);
  (void)::unlinkat(directory_, name_.c_str(), 0);
  bool listens = listener_ &&
                 ::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
                 ::listen(listener_.get(), 1) == 0;
  if (!listens) throwErrno("listen for a terminal");
}

ConsoleSocket::~ConsoleSocket() {
  (void)::unlinkat(directory_, name_.c_str(), 0);
}

Fd ConsoleSocket::takeTerminal() {
  Fd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  Fd terminal = connection ? receiveDescriptor(connection.get()) : Fd();
  return terminal && isTerminalMaster(terminal.get()) ? std::move(terminal) : Fd();
}

bool isTerminalMaster(int fd) {
  constexpr unsigned multiplexor = 5, ptmx = 2;  // Documentation/admin-guide/devices.txt
  struct stat info {};
  unsigned number = 0;
  return ::fstat(fd, &info) == 0 && S_ISCHR(info.st_mode) && info.st_rdev == makedev(multiplexor, ptmx) &&
         ::ioctl(fd, TIOCGPTN, &number) == 0;
}

bool sendTerminal(int socket, const Fd& terminal) {
  char byte = 't';
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  iovec vector{&byte, 1};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  int fd = terminal.get();
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  return ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

}  // namespace bulkhead::console
