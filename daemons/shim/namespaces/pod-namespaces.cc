#include "daemons/shim/namespaces/pod-namespaces.h"

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
#include <optional>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/process.h"
#include "daemons/shim/namespaces/pod-init.h"
#include "daemons/shim/record/pod-records.h"
#include "ipc/convert.h"

namespace bulkhead::namespaces {
namespace {

using ipc::toString;
using schema::Namespace;

constexpr int anyCpu = -1;

void require(int result, const char* what) {
  if (result != 0) throwErrno(what);
}

std::string initSocket(const Layout& layout, const std::string& podId) {
  return layout.shimDirectory() + "/" + podId + ".sock";
}

std::string pinPath(const Layout& layout, const std::string& podId, const std::string& kind) {
  return layout.podsDirectory() + "/" + podId + "/ns/" + kind;
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

// In the child: makes the namespaces, says so with the pid of the init in them (0: none), and holds them
// until the parent closes its end.
[[noreturn]] void holdNamespaces(const Layout& layout, schema::PodSpec::Reader pod, int cpu, PodInit* init,
                                 const Fd& parent) {
  int status = 1;
  try {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<size_t>(std::max(cpu, 0)), &set);
    if (cpu != anyCpu) require(::sched_setaffinity(0, sizeof set, &set), "bind to a CPU");
    int flags = CLONE_NEWNS | (ipcPin(layout, pod).empty() ? 0 : CLONE_NEWIPC) |
                (utsPin(layout, pod).empty() ? 0 : CLONE_NEWUTS);
    require(::unshare(flags), "unshare pod namespaces");
    std::string hostname = toString(pod.getHostname());
    if ((flags & CLONE_NEWUTS) != 0 && !hostname.empty()) {
      require(::sethostname(hostname.data(), hostname.size()), "sethostname");
    }
    if (init != nullptr) init->protect();
    makeShmRoot(layout.stageDirectory());
    pid_t pid = init != nullptr ? init->fork() : 0;
    bool told = ::write(parent.get(), &pid, sizeof pid) == static_cast<ssize_t>(sizeof pid);
    status = told && ::read(parent.get(), &pid, 1) == 0 ? 0 : 1;
  } catch (const std::exception&) {
    // The parent sees that nothing was written.
  }
  ::_exit(status);
}

// A process with the pod's new namespaces; it ends when this object does.
struct Holder {
  Holder(const Layout& layout, schema::PodSpec::Reader pod, int cpu, PodInit* init) : pid(::fork()) {
    if (pid < 0) throwErrno("fork");
    if (pid == 0) {
      ends.first.reset();
      holdNamespaces(layout, pod, cpu, init, ends.second);
    }
    ends.second.reset();
    if (::read(ends.first.get(), &initPid, sizeof initPid) != static_cast<ssize_t>(sizeof initPid))
      throw std::runtime_error("cannot make the pod's namespaces");
  }
  ~Holder() {
    ends.first.reset();
    (void)waitFor(pid, std::nullopt);
  }
  SocketPair ends = makeSocketPair(SOCK_STREAM);
  pid_t pid;
  pid_t initPid = 0;
};

// False with errno.
bool pin(pid_t holder, const std::string& kind, const std::string& path) {
  Fd target(::open(path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0400));
  if (!target) throwErrno("create pin");
  std::string source = "/proc/" + std::to_string(holder) + "/ns/" + kind;
  return ::mount(source.c_str(), path.c_str(), nullptr, MS_BIND, nullptr) == 0;
}

}  // namespace

std::string ipcPin(const Layout& layout, schema::PodSpec::Reader pod) {
  return pod.getIpc() == Namespace::NODE ? "" : pinPath(layout, toString(pod.getId()), "ipc");
}

std::string utsPin(const Layout& layout, schema::PodSpec::Reader pod) {
  return pod.getNetwork() == Namespace::NODE ? "" : pinPath(layout, toString(pod.getId()), "uts");
}

void makePodNamespaces(const Layout& layout, int directory, schema::PodSpec::Reader pod,
                       const InitStart& start) {
  std::string id = toString(pod.getId());
  std::string mnt = pinPath(layout, id, "mnt");
  if (isPinned(mnt)) return;  // pinned last
  (void)makeDirectory(directory, "ns", 0700);
  // The kernel pins only a mount namespace with a higher id than our own, against loops. Linux 6.18 hands ids
  // out from batches per CPU, so a newer one can have a lower id, unless we are in the initial namespace or
  // it is made on the CPU where ours was.
  for (int cpu = anyCpu; !isPinned(mnt); ++cpu) {
    removePodNamespaces(layout, directory, id);
    std::optional<PodInit> init;
    if (pod.getPid() == Namespace::POD) init.emplace(start, initSocket(layout, id));
    Holder holder(layout, pod, cpu, init ? &*init : nullptr);
    if (pod.getIpc() != Namespace::NODE && !pin(holder.pid, "ipc", ipcPin(layout, pod)))
      throwErrno("pin ipc");
    if (pod.getNetwork() != Namespace::NODE && !pin(holder.pid, "uts", utsPin(layout, pod)))
      throwErrno("pin uts");
    if (init && !pin(holder.initPid, "pid", pinPath(layout, id, "pid"))) throwErrno("pin pid");
    if (init) recordInit(directory, holder.initPid);
    bool pinned = pin(holder.pid, "mnt", mnt);
    if (!pinned && errno != EINVAL) throwErrno("pin mnt");
    if (pinned && init) init->release();
  }
}

void removePodNamespaces(const Layout& layout, int directory, const std::string& podId) {
  endInit(directory);
  (void)::unlink(initSocket(layout, podId).c_str());
  for (const char* kind : {"mnt", "pid", "uts", "ipc"}) {
    std::string path = pinPath(layout, podId, kind);
    while (isPinned(path) && ::umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) {
    }
    (void)::unlink(path.c_str());
  }
}

Outcome<std::string> processPin(const Layout& layout, int directory, schema::PodSpec::Reader pod) {
  if (!initLives(directory))
    return refuse(Code::failedPrecondition, "podId", "has lost the init of its PID namespace");
  return pinPath(layout, toString(pod.getId()), "pid");
}

Fd clonePodShm(const Layout& layout, schema::PodSpec::Reader pod) {
  constexpr unsigned cloneFlags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
  if (pod.getIpc() == Namespace::NODE) {
    Fd shm(static_cast<int>(::syscall(SYS_open_tree, AT_FDCWD, "/dev/shm", cloneFlags)));
    if (!shm) throwErrno("clone the host's /dev/shm");
    return shm;
  }
  Fd ours(::open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
  Fd theirs(::open(pinPath(layout, toString(pod.getId()), "mnt").c_str(), O_RDONLY | O_CLOEXEC));
  if (!ours || !theirs) throwErrno("open mount namespaces");
  require(::setns(theirs.get(), CLONE_NEWNS), "enter the pod's mount namespace");
  Fd shm(static_cast<int>(::syscall(SYS_open_tree, AT_FDCWD, "/", cloneFlags)));
  int failed = errno;
  require(::setns(ours.get(), CLONE_NEWNS), "leave the pod's mount namespace");
  errno = failed;
  if (!shm) throwErrno("clone the pod's /dev/shm");
  return shm;
}

Outcome<std::string> networkPin(const Layout& layout, schema::PodSpec::Reader pod) {
  if (pod.getNetwork() == Namespace::NODE) return std::string();
  std::string path = layout.netnsDirectory() + "/" + toString(pod.getId());
  Fd pinned(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!pinned || !isPinned(path) || ::ioctl(pinned.get(), NS_GET_NSTYPE) != CLONE_NEWNET) {
    return refuse(Code::failedPrecondition, "podId", "has no network namespace yet");
  }
  return path;
}

}  // namespace bulkhead::namespaces
