#include "daemons/common/jail/policy-compiler/constants.h"

#include <asm/termbits.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/close_range.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <linux/ioctl.h>
#include <linux/memfd.h>
#include <linux/nsfs.h>
#include <linux/prctl.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <map>
#include <string>

namespace bulkhead::policy {
namespace {

// The one macro of this directory: a function cannot spell its argument.
#define NAMED(constant) \
  { #constant, static_cast < std::uint64_t>(static_cast <std::int64_t>(constant)) }

const std::map<std::string_view, std::uint64_t>& names() {
  static const std::map<std::string_view, std::uint64_t> table{
      // fcntl(2)
      NAMED(F_DUPFD),
      NAMED(F_DUPFD_CLOEXEC),
      NAMED(F_GETFD),
      NAMED(F_SETFD),
      NAMED(F_GETFL),
      NAMED(F_SETFL),
      NAMED(F_GETLK),
      NAMED(F_SETLK),
      NAMED(F_SETLKW),
      NAMED(F_OFD_GETLK),
      NAMED(F_OFD_SETLK),
      NAMED(F_OFD_SETLKW),
      NAMED(F_GETOWN),
      NAMED(F_SETOWN),
      NAMED(F_GETSIG),
      NAMED(F_SETSIG),
      NAMED(F_SETPIPE_SZ),
      NAMED(F_GETPIPE_SZ),
      NAMED(F_ADD_SEALS),
      NAMED(F_GET_SEALS),
      NAMED(F_SETLEASE),
      NAMED(F_NOTIFY),
      // prctl(2)
      NAMED(PR_SET_NAME),
      NAMED(PR_GET_NAME),
      NAMED(PR_SET_PDEATHSIG),
      NAMED(PR_GET_PDEATHSIG),
      NAMED(PR_SET_DUMPABLE),
      NAMED(PR_GET_DUMPABLE),
      NAMED(PR_SET_NO_NEW_PRIVS),
      NAMED(PR_GET_NO_NEW_PRIVS),
      NAMED(PR_SET_SECCOMP),
      NAMED(PR_GET_SECCOMP),
      NAMED(PR_CAPBSET_READ),
      NAMED(PR_CAPBSET_DROP),
      NAMED(PR_SET_KEEPCAPS),
      NAMED(PR_GET_KEEPCAPS),
      NAMED(PR_SET_SECUREBITS),
      NAMED(PR_GET_SECUREBITS),
      NAMED(PR_CAP_AMBIENT),
      NAMED(PR_SET_CHILD_SUBREAPER),
      NAMED(PR_GET_CHILD_SUBREAPER),
      NAMED(PR_SET_VMA),
      NAMED(PR_SET_TIMERSLACK),
      // clone(2), unshare(2), setns(2)
      NAMED(CLONE_VM),
      NAMED(CLONE_FS),
      NAMED(CLONE_FILES),
      NAMED(CLONE_SIGHAND),
      NAMED(CLONE_PIDFD),
      NAMED(CLONE_PTRACE),
      NAMED(CLONE_VFORK),
      NAMED(CLONE_PARENT),
      NAMED(CLONE_THREAD),
      NAMED(CLONE_NEWNS),
      NAMED(CLONE_SYSVSEM),
      NAMED(CLONE_SETTLS),
      NAMED(CLONE_PARENT_SETTID),
      NAMED(CLONE_CHILD_CLEARTID),
      NAMED(CLONE_UNTRACED),
      NAMED(CLONE_CHILD_SETTID),
      NAMED(CLONE_NEWCGROUP),
      NAMED(CLONE_NEWUTS),
      NAMED(CLONE_NEWIPC),
      NAMED(CLONE_NEWUSER),
      NAMED(CLONE_NEWPID),
      NAMED(CLONE_NEWNET),
      NAMED(CLONE_IO),
      NAMED(CLONE_NEWTIME),
      // socket(2), setsockopt(2)
      NAMED(AF_UNSPEC),
      NAMED(AF_UNIX),
      NAMED(AF_INET),
      NAMED(AF_INET6),
      NAMED(AF_NETLINK),
      NAMED(AF_PACKET),
      NAMED(SOCK_STREAM),
      NAMED(SOCK_DGRAM),
      NAMED(SOCK_SEQPACKET),
      NAMED(SOCK_RAW),
      NAMED(SOCK_CLOEXEC),
      NAMED(SOCK_NONBLOCK),
      NAMED(SOL_SOCKET),
      NAMED(SCHED_BATCH),
      NAMED(SOL_TCP),
      NAMED(SOL_IP),
      NAMED(SOL_IPV6),
      NAMED(SO_PEERCRED),
      NAMED(SO_PEERSEC),
      NAMED(SO_PEERGROUPS),
      NAMED(SO_ERROR),
      NAMED(SO_TYPE),
      NAMED(SO_DOMAIN),
      NAMED(SO_PROTOCOL),
      NAMED(SO_ACCEPTCONN),
      NAMED(SO_SNDBUF),
      NAMED(SO_SNDTIMEO),
      NAMED(SO_RCVBUF),
      NAMED(SO_REUSEADDR),
      NAMED(SO_REUSEPORT),
      NAMED(SO_KEEPALIVE),
      NAMED(SO_PASSCRED),
      NAMED(SO_RCVTIMEO),
      NAMED(SO_SNDTIMEO),
      NAMED(SO_LINGER),
      NAMED(TCP_NODELAY),
      NAMED(SHUT_RD),
      NAMED(SHUT_WR),
      NAMED(SHUT_RDWR),
      NAMED(MSG_DONTWAIT),
      NAMED(MSG_NOSIGNAL),
      NAMED(MSG_CMSG_CLOEXEC),
      NAMED(MSG_FASTOPEN),
      NAMED(MSG_PEEK),
      NAMED(MSG_TRUNC),
      // mmap(2), memory
      NAMED(PROT_NONE),
      NAMED(PROT_READ),
      NAMED(PROT_WRITE),
      NAMED(PROT_EXEC),
      NAMED(MAP_SHARED),
      NAMED(MAP_PRIVATE),
      NAMED(MAP_FIXED),
      NAMED(MAP_ANONYMOUS),
      NAMED(MAP_NORESERVE),
      NAMED(MAP_POPULATE),
      NAMED(MAP_STACK),
      NAMED(MADV_DONTNEED),
      NAMED(MADV_FREE),
      NAMED(MADV_HUGEPAGE),
      NAMED(MADV_NOHUGEPAGE),
      NAMED(MFD_CLOEXEC),
      NAMED(MFD_ALLOW_SEALING),
      // open(2) and friends
      NAMED(O_RDONLY),
      NAMED(O_WRONLY),
      NAMED(O_RDWR),
      NAMED(O_CREAT),
      NAMED(O_EXCL),
      NAMED(O_TRUNC),
      NAMED(O_APPEND),
      NAMED(O_NONBLOCK),
      NAMED(O_DIRECTORY),
      NAMED(O_NOFOLLOW),
      NAMED(O_CLOEXEC),
      NAMED(O_PATH),
      NAMED(O_TMPFILE),
      NAMED(AT_FDCWD),
      NAMED(AT_EMPTY_PATH),
      NAMED(AT_SYMLINK_NOFOLLOW),
      NAMED(AT_REMOVEDIR),
      NAMED(S_ISUID),
      NAMED(S_ISGID),
      NAMED(LOCK_SH),
      NAMED(LOCK_EX),
      NAMED(LOCK_UN),
      NAMED(LOCK_NB),
      // mount(2), the mount calls, umount2(2)
      NAMED(MS_RDONLY),
      NAMED(MS_NOSUID),
      NAMED(MS_NODEV),
      NAMED(MS_NOEXEC),
      NAMED(MS_REMOUNT),
      NAMED(MS_BIND),
      NAMED(MS_MOVE),
      NAMED(MS_REC),
      NAMED(MS_UNBINDABLE),
      NAMED(MS_PRIVATE),
      NAMED(MS_SLAVE),
      NAMED(MS_SHARED),
      NAMED(OPEN_TREE_CLONE),
      NAMED(OPEN_TREE_CLOEXEC),
      NAMED(MOVE_MOUNT_F_EMPTY_PATH),
      NAMED(MOVE_MOUNT_T_EMPTY_PATH),
      NAMED(FSOPEN_CLOEXEC),
      NAMED(FSMOUNT_CLOEXEC),
      {"MNT_DETACH", 2},
      {"UMOUNT_NOFOLLOW", 8},
      // ioctl(2)
      NAMED(TCGETS),
      NAMED(TIOCSWINSZ),
      NAMED(TIOCGWINSZ),
      NAMED(TIOCSWINSZ),
      NAMED(TIOCGPTPEER),
      NAMED(TIOCSTI),
      NAMED(TIOCSCTTY),
      NAMED(FIONREAD),
      NAMED(FIONBIO),
      NAMED(FIOCLEX),
      NAMED(SIOCGIFFLAGS),
      NAMED(SIOCSIFFLAGS),
      NAMED(SIOCGIFCONF),
      NAMED(SIOCOUTQ),
      NAMED(FICLONE),
      NAMED(FS_IOC_FSGETXATTR),
      NAMED(FS_IOC_FSSETXATTR),
      NAMED(NS_GET_NSTYPE),
      NAMED(BTRFS_IOC_INO_LOOKUP),
      NAMED(BTRFS_IOC_TREE_SEARCH),
      NAMED(BTRFS_IOC_SUBVOL_CREATE_V2),
      NAMED(BTRFS_IOC_SNAP_CREATE_V2),
      NAMED(BTRFS_IOC_SNAP_DESTROY_V2),
      // signals and waiting
      NAMED(SIGTERM),
      NAMED(SIGKILL),
      NAMED(SIGCHLD),
      NAMED(SIGABRT),
      NAMED(P_PID),
      NAMED(P_ALL),
      NAMED(P_PIDFD),
      NAMED(WNOHANG),
      NAMED(WEXITED),
      NAMED(WNOWAIT),
      // seccomp(2), close_range(2), getrandom(2)
      NAMED(SECCOMP_SET_MODE_FILTER),
      NAMED(CLOSE_RANGE_CLOEXEC),
      NAMED(GRND_NONBLOCK),
      // errno
      NAMED(ENOSYS),
      NAMED(EPERM),
      NAMED(EACCES),
      NAMED(EINVAL),
      NAMED(ENOENT),
      NAMED(EOPNOTSUPP),
      NAMED(ENOTTY),
      NAMED(EAFNOSUPPORT),
      NAMED(ENOTSUP),
      NAMED(EBADF),
  };
  return table;
}

#undef NAMED

std::optional<std::uint64_t> number(std::string_view text) {
  bool negative = !text.empty() && text[0] == '-';
  if (negative) text.remove_prefix(1);
  int base = 10;
  if (text.substr(0, 2) == "0x") {
    base = 16;
    text.remove_prefix(2);
  }
  std::uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return negative ? ~value + 1 : value;
}

}  // namespace

std::optional<std::uint64_t> constantValue(std::string_view text) {
  std::uint64_t all = 0;
  while (true) {
    size_t bar = text.find('|');
    std::string_view one = text.substr(0, bar);
    auto found = names().find(one);
    std::optional<std::uint64_t> value = found != names().end() ? std::optional(found->second) : number(one);
    if (!value) return std::nullopt;
    all |= *value;
    if (bar == text.npos) return all;
    text.remove_prefix(bar + 1);
  }
}

}  // namespace bulkhead::policy
