#include "daemons/common/base/fd.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemons/common/base/error.h"

namespace bulkhead {

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void Fd::reset() {
  if (fd_ >= 0) (void)::close(std::exchange(fd_, -1));
}

Fd duplicate(int fd) {
  Fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (!copy) throwErrno("fcntl F_DUPFD_CLOEXEC");
  return copy;
}

Pipe makePipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throwErrno("pipe2");
  return {Fd(ends[0]), Fd(ends[1])};
}

SocketPair makeSocketPair(int type) {
  int ends[2];
  if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) != 0) throwErrno("socketpair");
  return {Fd(ends[0]), Fd(ends[1])};
}

}  // namespace bulkhead
