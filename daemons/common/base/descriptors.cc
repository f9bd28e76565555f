#include "daemons/common/base/descriptors.h"

#include <fcntl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#include <csignal>
#include <utility>

#include "daemons/common/base/error.h"

namespace bulkhead {

void setNonBlocking(int fd) {
  int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) throwErrno("fcntl O_NONBLOCK");
}

Fd nonBlocking(Fd fd) {
  setNonBlocking(fd.get());
  return fd;
}

bool isPipe(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 && S_ISFIFO(info.st_mode);
}

Fd watchChildren() {
  sigset_t children;
  ::sigemptyset(&children);
  ::sigaddset(&children, SIGCHLD);
  if (::sigprocmask(SIG_BLOCK, &children, nullptr) != 0) throwErrno("sigprocmask");
  Fd fd(::signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) throwErrno("signalfd");
  return fd;
}

}  // namespace bulkhead
