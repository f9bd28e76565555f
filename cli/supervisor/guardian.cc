#include "cli/supervisor/guardian.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "daemons/common/base/error.h"
#include "daemons/common/base/process.h"

namespace bulkhead::supervisor {
namespace {

// One message: a byte with the slot, and the pidfd.
struct Envelope {
  explicit Envelope(unsigned char& slot) : body{&slot, 1} {
    message.msg_iov = &body;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
  }
  struct iovec body;
  alignas(struct cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  struct msghdr message {};
};

Fd takeDescriptor(struct msghdr& message) {
  int fd = -1;
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_type == SCM_RIGHTS) std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return Fd(fd);
}

[[noreturn]] void guard(int socket) {
  std::array<Fd, Guardian::maxSlots> watched;
  while (true) {
    unsigned char slot = 0;
    Envelope envelope(slot);
    ssize_t n = ::recvmsg(socket, &envelope.message, MSG_CMSG_CLOEXEC);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;  // the supervisor is gone
    Fd pidfd = takeDescriptor(envelope.message);
    if (slot < watched.size()) watched[slot] = std::move(pidfd);
  }
  for (const Fd& pidfd : watched) {
    if (pidfd) (void)::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
  }
  ::_exit(0);
}

}  // namespace

Guardian::Guardian() {
  SocketPair pair = makeSocketPair(SOCK_SEQPACKET);
  pid_ = ::fork();
  if (pid_ < 0) throwErrno("fork guardian");
  if (pid_ == 0) {
    (void)::setsid();  // ^C is the supervisor's
    (void)::prctl(PR_SET_NAME, "bulkhead-guard");
    resetSignals();
    for (int number : {SIGINT, SIGTERM, SIGHUP}) (void)::signal(number, SIG_IGN);
    closeAllBut({pair.second.get()});
    guard(pair.second.get());
  }
  socket_ = std::move(pair.first);
}

Guardian::~Guardian() {
  socket_.reset();
  (void)::waitpid(pid_, nullptr, 0);
}

void Guardian::watch(unsigned slot, int pidfd) {
  unsigned char byte = static_cast<unsigned char>(slot);
  Envelope envelope(byte);
  struct cmsghdr* header = CMSG_FIRSTHDR(&envelope.message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof pidfd);
  std::memcpy(CMSG_DATA(header), &pidfd, sizeof pidfd);
  if (::sendmsg(socket_.get(), &envelope.message, MSG_NOSIGNAL) < 0) throwErrno("tell guardian");
}

}  // namespace bulkhead::supervisor
