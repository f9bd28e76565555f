#include "daemons/netd/netns-helper/new-namespace.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "daemons/common/base/fd.h"

namespace bulkhead::netns {
namespace {

// No CNI plugin in the chain does it: the pod's loopback is the runtime's (as in the peers).
bool setLoopbackUp() {
  Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  struct ifreq request {};
  std::strcpy(request.ifr_name, "lo");
  if (!socket || ::ioctl(socket.get(), SIOCGIFFLAGS, &request) != 0) return false;
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  return ::ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0;
}

// By descriptors alone: nothing that changes a path meanwhile can redirect the mount.
bool mountOn(int pin) {
  Fd self(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!self) return false;
  Fd mount(static_cast<int>(
      ::syscall(SYS_open_tree, self.get(), "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH)));
  if (!mount) return false;
  return ::syscall(SYS_move_mount, mount.get(), "", pin, "",
                   MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) == 0;
}

}  // namespace

int pinNewNamespace(int pin) {
  bool done = ::unshare(CLONE_NEWNET) == 0 && setLoopbackUp() && mountOn(pin);
  return done ? 0 : errno;
}

}  // namespace bulkhead::netns
