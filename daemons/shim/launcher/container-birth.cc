#include "daemons/shim/launcher/container-birth.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <optional>

#include "daemons/common/base/io.h"
#include "daemons/common/base/log.h"
#include "daemons/common/base/process.h"
#include "daemons/shim/ceiling/host-path.h"
#include "daemons/shim/cgroup/cgroups.h"
#include "daemons/shim/console/console.h"
#include "daemons/shim/launcher/image-root.h"
#include "daemons/shim/launcher/root-directories.h"
#include "daemons/shim/namespaces/pod-namespaces.h"
#include "ipc/convert.h"

namespace bulkhead::launcher {
namespace {

using ipc::toString;

// Attaches a detached mount at a place of our own making.
void attach(int mount, const std::string& place, bool isDirectory) {
  if (isDirectory) {
    require(::mkdir(place.c_str(), 0700), "make mount point");
  } else if (!Fd(::open(place.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600))) {
    throwErrno("make mount point");
  }
  require(static_cast<int>(
              ::syscall(SYS_move_mount, mount, "", AT_FDCWD, place.c_str(), MOVE_MOUNT_F_EMPTY_PATH)),
          "attach mount");
}

const char* propagationOption(schema::Mount::Propagation propagation) {
  switch (propagation) {
    case schema::Mount::Propagation::BIDIRECTIONAL:
      return "rshared";
    case schema::Mount::Propagation::HOST_TO_CONTAINER:
      return "rslave";
    default:
      return "rprivate";
  }
}

class Stage {
 public:
  explicit Stage(Birth& birth) : birth_(birth), path_(birth.context.layout.stageDirectory()) {}

  // From here on nothing of ours can reach the host's mount table. Clones that were made before keep their
  // peer groups.
  void enter() {
    Fd shm = namespaces::clonePodShm(birth_.context.layout, birth_.container.pod->record.getSpec());
    require(::unshare(CLONE_NEWNS), "unshare mount namespace");
    require(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "make mounts private");
    require(::mount("stage", path_.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "mode=700,size=16m"),
            "mount stage");
    require(::mkdir(bundle().c_str(), 0700), "make bundle");
    attach(birth_.root.get(), rootPath(), true);
    attach(shm.get(), path_ + "/shm", true);
    if (birth_.target) pinTarget();
  }

  // Ours first: a mount of the spec at the same destination replaces it.
  void attachMounts() {
    add({path_ + "/shm", "/dev/shm", false, "rprivate", {"nosuid", "noexec", "nodev"}});
    std::string files = record::podPath(birth_.context.pods, birth_.container.podId) + "/files/";
    for (const char* name : {"hostname", "resolv.conf"}) {
      add({files + name, std::string("/etc/") + name, true, "rprivate"});
    }
    auto mounts = birth_.spec.getMounts();
    for (unsigned i = 0; i < mounts.size(); ++i) {
      std::string place = path_ + "/" + std::to_string(i);
      attach(birth_.sources[i].mount.get(), place, birth_.sources[i].isDirectory);
      std::string destination = ceiling::parseHostPath(toString(mounts[i].getDestination()), "").value();
      add({place, destination, mounts[i].getReadOnly(), propagationOption(mounts[i].getPropagation()),
           mounts[i].isImage() ? std::vector<std::string>{"nosuid", "nodev"} : std::vector<std::string>{}});
    }
  }

  [[nodiscard]] std::string rootPath() const { return bundle() + "/rootfs"; }

  Outcome<pid_t> create() {
    Fd config(::open((bundle() + "/config.json").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    if (!config || !writeAll(config.get(), oci::configDocument(birth_.spec, birth_.grants)))
      throwErrno("write config");
    config.reset();
    std::string pidFile = path_ + "/pid";
    std::vector<std::string> words{"create", "--bundle", bundle(), "--pid-file", pidFile};
    Fd here(::open(path_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    std::optional<console::ConsoleSocket> console;
    if (birth_.spec.getTty()) {
      console.emplace(here.get());
      words.insert(words.end(), {"--console-socket", console->path()});
    }
    words.push_back(birth_.container.id.text());
    Stdio stdio{birth_.in.read.get(), birth_.out.write.get(), console ? -1 : birth_.err.write.get()};
    auto created = birth_.runtime.run(words, stdio);
    if (!created) return tl::unexpected(created.error());
    if (console) birth_.terminal = console->takeTerminal();
    if (console && !birth_.terminal)
      return refuse(Code::failedPrecondition, "tty", "the runtime sent no terminal");
    return static_cast<pid_t>(std::strtol(readSmallFile(pidFile).c_str(), nullptr, 10));
  }

  // An empty root, read-only and alone in its namespace: what this process keeps mounted would stay busy on
  // the host.
  void leave() {
    std::string empty = path_ + "/empty";
    require(::mkdir(empty.c_str(), 0700), "make empty root");
    require(::mount("empty", empty.c_str(), "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=555,size=4k"),
            "mount root");
    require(::chdir(empty.c_str()), "chdir to empty root");
    require(static_cast<int>(::syscall(SYS_pivot_root, ".", ".")), "pivot to empty root");
    require(::umount2(".", MNT_DETACH), "leave the host's mounts");
    require(::chdir("/"), "chdir to empty root");
    require(
        ::mount(nullptr, "/", nullptr, MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr),
        "make root read-only");
  }

 private:
  [[nodiscard]] std::string bundle() const { return path_ + "/bundle"; }

  // A name for the runtime that means what was opened.
  void pinTarget() {
    birth_.grants.pidNamespace = path_ + "/pid-namespace";
    (void)Fd(::open(birth_.grants.pidNamespace.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    std::string source = "/proc/self/fd/" + std::to_string(birth_.target.get());
    require(::mount(source.c_str(), birth_.grants.pidNamespace.c_str(), nullptr, MS_BIND, nullptr),
            "pin the target's namespace");
  }

  void add(oci::BindMount bind) {
    auto& binds = birth_.grants.binds;
    std::erase_if(binds,
                  [&bind](const oci::BindMount& each) { return each.destination == bind.destination; });
    binds.push_back(std::move(bind));
  }

  Birth& birth_;
  std::string path_;
};

void recordProcesses(const Container& container, pid_t pid) {
  capnp::MallocMessageBuilder message;
  auto processes = message.initRoot<schema::ContainerProcesses>();
  processes.setPid(pid);
  processes.setStarted(processStartTime(pid));
  processes.setShimPid(::getpid());
  processes.setShimStarted(processStartTime(::getpid()));
  if (processes.getStarted() == 0) throw std::runtime_error("the runtime named no process");
  record::writeRecord(container.directory.get(), "processes", message);
}

// A monitor that the OOM killer took would take its container with it. Best effort: proc(5) wants
// CAP_SYS_RESOURCE.
void protectMonitor() {
  Fd score(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  if (score) (void)!::write(score.get(), "-999", 4);
}

// The descriptors become 3, 4, …, in this order, as shim/monitor/main.cc takes them.
void arrange(const std::vector<int>& fds) {
  constexpr int high = 100;  // through free high numbers: one may sit where another has to go
  std::vector<Fd> copies;
  for (int fd : fds) copies.emplace_back(::fcntl(fd, F_DUPFD_CLOEXEC, high));
  for (size_t i = 0; i < copies.size(); ++i) {
    if (::dup2(copies[i].get(), 3 + static_cast<int>(i)) < 0) throwErrno("dup2");
  }
}

std::vector<std::string> shimArguments(const Birth& birth, pid_t pid) {
  const Container& container = birth.container;
  std::vector<std::string> words{"bulkhead-shim"};
  if (!birth.context.root.empty()) words.insert(words.end(), {"--root", birth.context.root});
  words.insert(words.end(), {"--container", container.id.text(), "--pid", std::to_string(pid), "--cri-uid",
                             std::to_string(birth.context.config.getIdentities().getCriUid()), "--uid",
                             std::to_string(container.pod->record.getShimUid())});
  return words;
}

[[noreturn]] void executeShim(Birth& birth, pid_t pid, const Fd& null, const Fd& oom, Fd& report) {
  auto orNull = [&null](const Fd& fd) { return fd.valid() ? fd.get() : null.get(); };
  std::vector<std::string> words = shimArguments(birth, pid);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  char* const environment[] = {nullptr};
  // Both beyond the numbers that are about to be taken.
  Fd program(::fcntl(birth.context.shimProgram.get(), F_DUPFD_CLOEXEC, 200));
  report = Fd(::fcntl(report.get(), F_DUPFD_CLOEXEC, 200));
  const Fd& out = birth.terminal ? birth.terminal : birth.out.read;
  const Fd& in = birth.terminal ? birth.terminal : birth.in.write;
  arrange({birth.listener.get(), orNull(birth.log), birth.exitRecord.get(), out.get(), birth.err.read.get(),
           orNull(oom), birth.started.get(), orNull(in)});
  ::execveat(program.get(), "", argv.data(), environment, AT_EMPTY_PATH);
  throwErrno("execute bulkhead-shim");
}

Outcome<void> bear(Birth& birth, Fd& report) {
  require(::prctl(PR_SET_CHILD_SUBREAPER, 1), "become a subreaper");
  Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  for (int standard : {0, 1}) (void)::dup2(null.get(), standard);
  Stage stage(birth);
  stage.enter();
  if (auto sound = checkImageRoot(birth.root.get(), stage.rootPath(), birth.spec); !sound) return sound;
  if (auto made = makeRootDirectories(birth.root.get(), birth.spec.getDirectories()); !made) return made;
  stage.attachMounts();
  auto pid = stage.create();
  if (!pid) return tl::unexpected(pid.error());
  recordProcesses(birth.container, *pid);
  protectMonitor();
  Fd oom = cgroup::openOomCounter(birth.grants.cgroupsPath);
  stage.leave();
  executeShim(birth, *pid, null, oom, report);
}

}  // namespace

void becomeShim(Birth& birth, Fd report) {
  Refusal refusal{Code::internal, "", "internal error while creating the container"};
  try {
    refusal = bear(birth, report).error();
  } catch (const std::exception& error) {
    log::error("container not created", {{"container", birth.container.id.text()}, {"error", error.what()}});
  }
  capnp::MallocMessageBuilder message;
  ipc::writeRefusal(message.initRoot<schema::Refusal>(), refusal);
  ::_exit(ipc::writeMessage(report.get(), message) ? 1 : 2);
}

}  // namespace bulkhead::launcher
