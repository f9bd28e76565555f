#include "daemons/shim/testing/harness.h"

#include <capnp/rpc-twoparty.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <kj/async-io.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "daemons/common/base/process.h"
#include "daemons/common/base/sockets.h"
#include "ipc/convert.h"
#include "ipc/schema/mount.capnp.h"
#include "ipc/schema/shim.capnp.h"

namespace bulkhead::shim::testing {
namespace {

Fd listenAt(const std::string& path, int type) {
  struct sockaddr_un address {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  Fd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<struct sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(::listen(socket.get(), 64), 0);
  return socket;
}

// Answers every request with a clone of one directory.
[[noreturn]] void serveRoots(const Fd& listener, const std::string& root) {
  while (true) {
    Fd connection = acceptOn(listener.get());
    auto packet = ipc::receivePacket(connection.get());
    if (!packet) continue;
    Fd clone(static_cast<int>(
        ::syscall(SYS_open_tree, AT_FDCWD, root.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)));
    capnp::MallocMessageBuilder message;
    message.initRoot<schema::MountReply>().setMounted();
    (void)ipc::sendPacket(connection.get(), message, {clone.get()});
  }
}

void makeBusyboxRoot(const std::string& root) {
  for (const char* directory : {"/bin", "/etc", "/proc", "/sys", "/dev", "/tmp"}) {
    std::filesystem::create_directories(root + directory);
  }
  std::filesystem::copy("/bin/busybox", root + "/bin/busybox");
  for (const char* applet : {"sh", "cat", "sleep", "echo", "id", "mount", "touch", "hostname", "true", "ls",
                             "head", "dd", "tail", "grep", "seq"}) {
    std::filesystem::create_symlink("busybox", root + "/bin/" + applet);
  }
}

Fd connectAs(uid_t uid, const std::string& path, int type) {
  bool changed = ::setresgid(-1, uid, -1) == 0 && ::setresuid(-1, uid, -1) == 0;
  Fd socket = connectTo(path, type);
  EXPECT_TRUE(changed && ::setresuid(-1, 0, -1) == 0 && ::setresgid(-1, 0, -1) == 0);
  return socket;
}

}  // namespace

// Not system(3): glibc's posix_spawn makes its internal signals ignored in the child, which would then be
// passed on.
void shell(const std::string& command) {
  pid_t child = ::fork();
  if (child == 0) {
    ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    ::_exit(127);
  }
  EXPECT_EQ(waitFor(child, std::nullopt)->code, 0) << command;
}

std::string readFile(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

bool enterOwnMounts() {
  if (::geteuid() != 0) return false;
  static bool entered = [] {
    EXPECT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    EXPECT_EQ(::unshare(CLONE_NEWNS), 0);
    EXPECT_EQ(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    // crun refuses a hybrid host whose v2 hierarchy owns a controller; mounted here as v1, it owns none. On a
    // v2 host this fails, and is not needed.
    // A hierarchy of a moment ago may still be on its way out.
    bool v2 = std::filesystem::exists("/sys/fs/cgroup/cgroup.controllers");
    for (int i = 0; !v2 && i < 100 && ::mount("hugetlb", "/mnt", "cgroup", 0, "hugetlb") != 0; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    return true;
  }();
  return entered;
}

Instance::Instance(const std::string& runtime, const std::string& ceiling) {
  char name[] = "/tmp/bhl-XXXXXX";
  root_ = ::mkdtemp(name);
  EXPECT_EQ(::chmod(root_.c_str(), 0755), 0);
  layout_ = Layout::at(root_).value();
  cgroupParent_ = "/bulkhead-test-" + root_.substr(root_.rfind('-') + 1);
  for (const LayoutDirectory& each : directoriesOf(layout_)) {
    std::filesystem::create_directories(each.path);
    gid_t group = each.group == Owner::cri ? criUid : 0;
    EXPECT_EQ(::chown(each.path.c_str(), each.owner == Owner::cri ? criUid : 0, group), 0);
    EXPECT_EQ(::chmod(each.path.c_str(), each.mode), 0);
  }
  std::filesystem::create_directories(path("volumes"));
  makeBusyboxRoot(path("busybox"));
  std::ofstream(path("bulkhead.toml")) << "default_runtime = \"" << runtime << "\"\ncgroup_parent = \""
                                       << cgroupParent_ << "\"\n[runtimes]\nrunc.path = \"/usr/sbin/runc\"\n"
                                       << "crun.path = \"/usr/bin/crun\"\n";
  std::ofstream(path("ceiling.toml"))
      << "bind_sources = [\"" << path("volumes") << "\"]\nlog_roots = [\"" << layout_.logs
      << "\"]\npropagation = [\"private\", "
      << "\"host-to-container\", \"bidirectional\"]\ncapabilities = [\"ALL\"]\n"
      << ceiling;
  Fd roots = listenAt(layout_.mounterSocket(), SOCK_SEQPACKET);
  mounter_ = ::fork();
  if (mounter_ == 0) serveRoots(roots, path("busybox"));
  listener_ = listenAt(layout_.launcherSocket(), SOCK_SEQPACKET);
  EXPECT_EQ(::chown(layout_.launcherSocket().c_str(), 0, criUid), 0);
  EXPECT_EQ(::chmod(layout_.launcherSocket().c_str(), 0660), 0);
  startLauncher();
}

Instance::~Instance() {
  killLauncher(SIGTERM);
  ::kill(mounter_, SIGKILL);
  (void)waitFor(mounter_, std::nullopt);
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
  (void)::umount2(layout_.podsDirectory().c_str(), MNT_DETACH);
  std::error_code ignored;
  std::filesystem::remove_all(root_, ignored);
}

void Instance::startLauncher() {
  launcher_ = ::fork();
  if (launcher_ != 0) return;
  ::dup2(listener_.get(), 3);
  std::string pid = "LISTEN_PID=" + std::to_string(::getpid());
  std::string program = std::string(BULKHEAD_PROGRAMS) + "/bulkhead-launcher";
  std::string config = path("bulkhead.toml");
  std::string above = path("ceiling.toml");
  char* const environment[] = {pid.data(), const_cast<char*>("LISTEN_FDS=1"),
                               const_cast<char*>("LISTEN_FDNAMES=launcher"), nullptr};
  ::execle(program.c_str(), program.c_str(), "--root", root_.c_str(), "--config", config.c_str(), "--ceiling",
           above.c_str(), nullptr, environment);
  ::_exit(127);
}

void Instance::killLauncher(int signal) {
  ::kill(launcher_, signal);
  (void)waitFor(launcher_, std::nullopt);
}

std::optional<ipc::Packet> Instance::ask(const Fill& fill, const std::vector<int>& fds, uid_t as) {
  Fd socket = connectAs(as, layout_.launcherSocket(), SOCK_SEQPACKET);
  if (!socket) return std::nullopt;
  capnp::MallocMessageBuilder message;
  fill(message.initRoot<schema::LaunchRequest>());
  if (!ipc::sendPacket(socket.get(), message, fds)) return std::nullopt;
  return ipc::receivePacket(socket.get(), std::chrono::seconds(60));
}

std::string Instance::tryAsk(const Fill& fill) {
  auto packet = ask(fill);
  if (!packet) return "no answer";
  auto reply = packet->as<schema::LaunchReply>();
  if (!reply.isRefused()) return "";
  auto refusal = reply.getRefused();
  return std::to_string(static_cast<int>(refusal.getCode())) + " " + ipc::toString(refusal.getField()) +
         ": " + ipc::toString(refusal.getReason());
}

schema::ContainerInfo::State Instance::state(const ContainerId& id) {
  auto packet = ask([&](auto request) { request.setInspect(id.text()); });
  return packet->as<schema::LaunchReply>().getContainer().getState();
}

void Instance::makeNetns(const PodId& pod) {
  std::string pin = layout_.netnsDirectory() + "/" + pod.text();
  shell("touch " + pin + " && unshare --net=" + pin + " true");
}

void Instance::removeNetns(const PodId& pod) {
  std::string pin = layout_.netnsDirectory() + "/" + pod.text();
  shell("umount " + pin + " && rm " + pin);
}

PodId Instance::makePod(const std::function<void(schema::PodSpec::Builder)>& change) {
  PodId id = PodId::generate();
  std::string refused = tryAsk([&](auto request) {
    auto spec = request.initMakePod();
    spec.setId(id.text());
    spec.setHostname("a-pod");
    spec.setLogDirectory(layout_.logs + "/" + id.text().substr(0, 8));
    spec.setNetwork(schema::Namespace::POD);
    spec.setIpc(schema::Namespace::POD);
    spec.setPid(schema::Namespace::CONTAINER);
    if (change) change(spec);
  });
  EXPECT_EQ(refused, "");
  makeNetns(id);
  return id;
}

Instance::Fill Instance::container(const ContainerId& id, const PodId& pod,
                                   const std::vector<std::string>& args,
                                   const std::function<void(schema::ContainerSpec::Builder)>& change) {
  return [=](schema::LaunchRequest::Builder request) {
    auto spec = request.initCreateContainer();
    spec.setId(id.text());
    spec.setPodId(pod.text());
    auto list = spec.initArgs(static_cast<unsigned>(args.size()));
    for (unsigned i = 0; i < args.size(); ++i) list.set(i, ipc::toData(args[i]));
    spec.setPid(schema::Namespace::CONTAINER);
    spec.setLogPath(id.text().substr(0, 8) + "/0.log");
    if (change) change(spec);
  };
}

void Instance::talk(const ContainerId& id,
                    const std::function<void(schema::Shim::Client, kj::WaitScope&)>& words) {
  auto io = kj::setupAsyncIo();
  Fd socket = connectAs(criUid, layout_.shimDirectory() + "/" + id.text() + ".sock", SOCK_STREAM);
  EXPECT_TRUE(socket);
  auto stream =
      io.lowLevelProvider->wrapUnixSocketFd(socket.release(), kj::LowLevelAsyncIoProvider::TAKE_OWNERSHIP);
  capnp::TwoPartyClient client(*stream, 4);
  words(client.bootstrap().castAs<schema::Shim>(), io.waitScope);
}

schema::Exit::Reader Instance::wait(const ContainerId& id, capnp::MallocMessageBuilder& holder) {
  talk(id, [&holder](schema::Shim::Client shim, kj::WaitScope& scope) {
    holder.setRoot(shim.waitRequest().send().wait(scope).getExit());
  });
  return holder.getRoot<schema::Exit>().asReader();
}

std::string Instance::log(const std::string& name) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(layout_.logs)) {
    if (entry.is_regular_file() && entry.path().parent_path().filename() == name)
      return readFile(entry.path());
  }
  return "";
}

}  // namespace bulkhead::shim::testing
