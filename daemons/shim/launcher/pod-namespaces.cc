#include "daemons/shim/launcher/pod-namespaces.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/process.h"
#include "daemons/shim/record/pod-records.h"
#include "ipc/convert.h"

namespace bulkhead::launcher {
namespace {

using ipc::toString;
using schema::Namespace;

constexpr int anyCpu = -1;

std::string pinPath(const Context& context, const std::string& podId, const std::string& kind) {
  return context.layout.podsDirectory() + "/" + podId + "/ns/" + kind;
}

bool isPinned(const std::string& path) {
  struct statfs info {};
  return ::statfs(path.c_str(), &info) == 0 && info.f_type == NSFS_MAGIC;
}

// The whole mount namespace becomes one tmpfs: anything else in it would keep host mounts busy for as long as
// the pod lives. 64 MiB and the flags are the peers'.
void makeShmRoot(const std::string& stage) {
  require(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "make mounts private");
  unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  require(::mount("shm", stage.c_str(), "tmpfs", flags, "mode=1777,size=65536k"), "mount shm");
  require(::chdir(stage.c_str()), "chdir to shm");
  require(static_cast<int>(::syscall(SYS_pivot_root, ".", ".")), "pivot to shm");
  require(::umount2(".", MNT_DETACH), "leave the host's mounts");
}

// In the child: makes the namespaces, says so with a byte, and holds them until the parent closes its end.
[[noreturn]] void holdNamespaces(const Context& context, schema::PodSpec::Reader pod, int cpu,
                                 const Fd& parent) {
  int status = 1;
  try {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<size_t>(std::max(cpu, 0)), &set);
    if (cpu != anyCpu) require(::sched_setaffinity(0, sizeof set, &set), "bind to a CPU");
    int flags = CLONE_NEWNS | (ipcPin(context, pod).empty() ? 0 : CLONE_NEWIPC) |
                (utsPin(context, pod).empty() ? 0 : CLONE_NEWUTS);
    require(::unshare(flags), "unshare pod namespaces");
    std::string hostname = toString(pod.getHostname());
    if ((flags & CLONE_NEWUTS) != 0 && !hostname.empty()) {
      require(::sethostname(hostname.data(), hostname.size()), "sethostname");
    }
    makeShmRoot(context.layout.stageDirectory());
    char byte = 'r';
    bool told = ::write(parent.get(), &byte, 1) == 1;
    status = told && ::read(parent.get(), &byte, 1) == 0 ? 0 : 1;
  } catch (const std::exception&) {
    // The parent sees that nothing was written.
  }
  ::_exit(status);
}

// A process with the pod's new namespaces; it ends when this object does.
struct Holder {
  Holder(const Context& context, schema::PodSpec::Reader pod, int cpu) : pid(::fork()) {
    if (pid < 0) throwErrno("fork");
    if (pid == 0) {
      ends.first.reset();
      holdNamespaces(context, pod, cpu, ends.second);
    }
    ends.second.reset();
    char byte = 0;
    if (::read(ends.first.get(), &byte, 1) != 1) throw std::runtime_error("cannot make the pod's namespaces");
  }
  ~Holder() {
    ends.first.reset();
    (void)waitFor(pid, std::nullopt);
  }
  SocketPair ends = makeSocketPair(SOCK_STREAM);
  pid_t pid;
};

// False with errno.
bool pin(const Holder& holder, const std::string& kind, const std::string& path) {
  Fd target(::open(path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0400));
  if (!target) throwErrno("create pin");
  std::string source = "/proc/" + std::to_string(holder.pid) + "/ns/" + kind;
  return ::mount(source.c_str(), path.c_str(), nullptr, MS_BIND, nullptr) == 0;
}

}  // namespace

std::string ipcPin(const Context& context, schema::PodSpec::Reader pod) {
  return pod.getIpc() == Namespace::NODE ? "" : pinPath(context, toString(pod.getId()), "ipc");
}

std::string utsPin(const Context& context, schema::PodSpec::Reader pod) {
  return pod.getNetwork() == Namespace::NODE ? "" : pinPath(context, toString(pod.getId()), "uts");
}

void makePodNamespaces(const Context& context, schema::PodSpec::Reader pod) {
  std::string id = toString(pod.getId());
  std::string mnt = pinPath(context, id, "mnt");
  if (isPinned(mnt)) return;  // pinned last
  Fd podDirectory = openBeneath(context.pods.directory.get(), id, O_RDONLY | O_DIRECTORY);
  (void)makeDirectory(podDirectory.get(), "ns", 0700);
  // The kernel pins only a mount namespace with a higher id than our own, against loops. Linux 6.18 hands ids
  // out from batches per CPU, so a newer one can have a lower id, unless we are in the initial namespace or
  // it is made on the CPU where ours was.
  for (int cpu = anyCpu; !isPinned(mnt); ++cpu) {
    removePodNamespaces(context, id);
    Holder holder(context, pod, cpu);
    if (pod.getIpc() != Namespace::NODE && !pin(holder, "ipc", ipcPin(context, pod))) throwErrno("pin ipc");
    if (pod.getNetwork() != Namespace::NODE && !pin(holder, "uts", utsPin(context, pod)))
      throwErrno("pin uts");
    if (!pin(holder, "mnt", mnt) && errno != EINVAL) throwErrno("pin mnt");
  }
}

void removePodNamespaces(const Context& context, const std::string& podId) {
  for (const char* kind : {"mnt", "uts", "ipc"}) {
    std::string path = pinPath(context, podId, kind);
    while (isPinned(path) && ::umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) {
    }
    (void)::unlink(path.c_str());
  }
}

Fd clonePodShm(const Context& context, schema::PodSpec::Reader pod) {
  constexpr unsigned cloneFlags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
  if (pod.getIpc() == Namespace::NODE) {
    Fd shm(static_cast<int>(::syscall(SYS_open_tree, AT_FDCWD, "/dev/shm", cloneFlags)));
    if (!shm) throwErrno("clone the host's /dev/shm");
    return shm;
  }
  Fd ours(::open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
  Fd theirs(::open(pinPath(context, toString(pod.getId()), "mnt").c_str(), O_RDONLY | O_CLOEXEC));
  if (!ours || !theirs) throwErrno("open mount namespaces");
  require(::setns(theirs.get(), CLONE_NEWNS), "enter the pod's mount namespace");
  Fd shm(static_cast<int>(::syscall(SYS_open_tree, AT_FDCWD, "/", cloneFlags)));
  int failed = errno;
  require(::setns(ours.get(), CLONE_NEWNS), "leave the pod's mount namespace");
  errno = failed;
  if (!shm) throwErrno("clone the pod's /dev/shm");
  return shm;
}

Outcome<std::string> networkPin(const Context& context, schema::PodSpec::Reader pod) {
  if (pod.getNetwork() == Namespace::NODE) return std::string();
  std::string path = context.layout.netnsDirectory() + "/" + toString(pod.getId());
  Fd pinned(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!pinned || !isPinned(path) || ::ioctl(pinned.get(), NS_GET_NSTYPE) != CLONE_NEWNET) {
    return refuse(Code::failedPrecondition, "podId", "has no network namespace yet");
  }
  return path;
}

}  // namespace bulkhead::launcher
