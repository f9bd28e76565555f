#include "ipc/peer.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemons/common/base/fd.h"
#include "daemons/common/base/io.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77  // linux/socket.h, since 6.5
#endif

namespace bulkhead::ipc {
namespace {

Fd pidfdOfPeer(int socket, pid_t pid) {
  int fd = -1;
  socklen_t size = sizeof fd;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &fd, &size) == 0) return Fd(fd);
  return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));  // before 6.5
}

bool isAlive(int pidfd) {
  struct pollfd ended {
    pidfd, POLLIN, 0
  };
  return ::poll(&ended, 1, 0) == 0;
}

bool hasLine(const std::string& text, const std::string& line) {
  return ("\n" + text + "\n").find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

Outcome<void> checkPeer(int socket, const PermittedPeer& permitted) {
  struct ucred who {};
  socklen_t size = sizeof who;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) throwErrno("SO_PEERCRED");
  if (who.uid != permitted.uid) {
    return refuse(Code::permissionDenied, "peer",
                  "has uid " + std::to_string(who.uid) + ", not the permitted one");
  }
  if (permitted.cgroup.empty()) return {};
  Fd process = pidfdOfPeer(socket, who.pid);
  std::string cgroups = readSmallFile("/proc/" + std::to_string(who.pid) + "/cgroup");
  if (!process || !isAlive(process.get())) return refuse(Code::permissionDenied, "peer", "is gone");
  if (!hasLine(cgroups, permitted.cgroup)) {
    return refuse(Code::permissionDenied, "peer", "is not in the permitted control group");
  }
  return {};
}

}  // namespace bulkhead::ipc
