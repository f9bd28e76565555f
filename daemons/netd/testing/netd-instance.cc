#include "daemons/netd/testing/netd-instance.h"

#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "daemons/common/base/io.h"
#include "ipc/convert.h"

namespace bulkhead::netd::testing {
namespace {

namespace fs = std::filesystem;

constexpr uid_t uidBase = 1910000000;  // cri, image, storage, net, reader

uid_t numberOf(Owner owner) {
  switch (owner) {
    case Owner::cri:
      return uidBase;
    case Owner::image:
      return uidBase + 1;
    case Owner::storage:
      return uidBase + 2;
    case Owner::net:
      return uidBase + 3;
    case Owner::root:
      break;
  }
  return 0;
}

void check(bool good, const char* what) {
  if (!good) throwErrno(what);
}

void makeDirectories(const Layout& layout) {
  for (const LayoutDirectory& directory : directoriesOf(layout)) {
    fs::create_directories(directory.path);
    check(::chown(directory.path.c_str(), numberOf(directory.owner), numberOf(directory.group)) == 0,
          "chown");
    check(::chmod(directory.path.c_str(), directory.mode) == 0, "chmod");
  }
}

int listenAt(const std::string& path) {
  int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_un address {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  check(::bind(fd, reinterpret_cast<struct sockaddr*>(&address), sizeof address) == 0, "bind");
  check(::listen(fd, 64) == 0, "listen");
  check(::chown(path.c_str(), numberOf(Owner::net), numberOf(Owner::cri)) == 0, "chown");
  check(::chmod(path.c_str(), 0660) == 0, "chmod");
  return fd;
}

// Who connects is decided by the effective ids at that moment.
class AsCri {
 public:
  AsCri() {
    check(::setegid(uidBase) == 0, "setegid");
    check(::seteuid(uidBase) == 0, "seteuid");
  }
  ~AsCri() {
    if (::seteuid(0) != 0 || ::setegid(0) != 0) std::abort();
  }
};

}  // namespace

void fill(schema::PodNetwork::Builder to, const std::string& pod, uint16_t hostPort) {
  to.setPodId(pod);
  to.setName("pod-" + pod.substr(0, 4));
  to.setNamespace("default");
  to.setUid("uid-1");
  if (hostPort == 0) return;
  auto mapping = to.initPortMappings(1)[0];
  mapping.setContainerPort(80);
  mapping.setHostPort(hostPort);
}

NetdInstance::NetdInstance() {
  std::string pattern = "/tmp/bhn-XXXXXX";  // short: it is part of socket addresses
  check(::mkdtemp(pattern.data()) != nullptr, "mkdtemp");
  root_ = pattern;
  check(::chmod(root_.c_str(), 0755) == 0, "chmod");
  layout_ = Layout::at(root_).value();
  makeDirectories(layout_);
  fs::create_directories(root_ + "/plugins");
  fs::create_directories(root_ + "/net.d");
  listener_ = listenAt(layout_.netdSocket());
  writeConfig();
}

NetdInstance::~NetdInstance() noexcept {
  peer_.reset();
  kill();
  (void)::close(listener_);
  for (const auto& pin : fs::directory_iterator(layout_.netnsDirectory())) {
    (void)::umount2(pin.path().c_str(), MNT_DETACH);
  }
  // A DEL outlives the netd that asked for it, and may still be writing.
  std::error_code busy;
  for (int i = 0; i < 100; ++i) {
    fs::remove_all(root_, busy);
    if (!busy) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

void NetdInstance::writeConfig(const std::string& extra) {
  std::ofstream(root_ + "/bulkhead.toml")
      << "[identity]\nuid_base = " << uidBase << "\n[network]\nconfig_dir = \"" << root_ << "/net.d\"\n"
      << "plugin_dirs = [\"" << root_ << "/plugins\", \"/usr/lib/cni\"]\n"
      << extra << "\n";
}

void NetdInstance::writeCeiling(const std::string& text) {
  std::ofstream(root_ + "/ceiling.toml") << text;
}

void NetdInstance::writeConflist(const std::string& name, const std::string& text) {
  std::ofstream(root_ + "/net.d/" + name) << text;
}

void NetdInstance::writePlugin(const std::string& name, const std::string& text) {
  std::string path = root_ + "/plugins/" + name;
  std::ofstream(path) << text;
  check(::chmod(path.c_str(), 0755) == 0, "chmod");
}

void NetdInstance::start() {
  const char* build = std::getenv("BULKHEAD_BUILD");
  if (build == nullptr) throw std::runtime_error("BULKHEAD_BUILD is not set");
  std::string program = std::string(build) + "/bin/bulkhead-netd";
  std::string config = root_ + "/bulkhead.toml";
  pid_ = ::fork();
  check(pid_ >= 0, "fork");
  if (pid_ > 0) return;
  // sd_listen_fds(3), as the supervisor passes it.
  (void)::dup2(listener_, 3);
  ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
  ::setenv("LISTEN_FDS", "1", 1);
  ::setenv("LISTEN_FDNAMES", "netd", 1);
  ::execl(program.c_str(), program.c_str(), "--root", root_.c_str(), "--config", config.c_str(), nullptr);
  ::_exit(127);
}

void NetdInstance::kill() {
  if (pid_ <= 0) return;
  (void)::kill(pid_, SIGKILL);
  (void)::waitpid(pid_, nullptr, 0);
  pid_ = -1;
  peer_.reset();
}

schema::Netd::Client NetdInstance::client() {
  AsCri cri;
  if (!peer_) peer_.emplace(*io.lowLevelProvider, "netd", layout_.netdSocket());
  return peer_->get<schema::Netd>();
}

bool NetdInstance::answersRoot() {
  ipc::RpcPeer peer(*io.lowLevelProvider, "netd", layout_.netdSocket());
  auto answered = peer.get<schema::Netd>().statusRequest().send().then([](auto&&) { return true; },
                                                                       [](kj::Exception&&) { return false; });
  return answered.wait(io.waitScope);
}

Outcome<std::vector<std::string>> NetdInstance::attach(const std::string& pod, uint16_t hostPort) {
  auto request = client().attachRequest();
  fill(request.initPod(), pod, hostPort);
  auto response = answerOf<capnp::Response<schema::Netd::AttachResults>>(request.send());
  auto result = response.getResult();
  if (result.isRefused()) return tl::unexpected(ipc::readRefusal(result.getRefused()));
  std::vector<std::string> addresses;
  for (auto each : result.getOk().getAddresses()) addresses.push_back(ipc::toString(each));
  return addresses;
}

Outcome<void> NetdInstance::detach(const std::string& pod) {
  auto request = client().detachRequest();
  request.setPodId(pod);
  auto response = answerOf<capnp::Response<schema::Netd::DetachResults>>(request.send());
  auto result = response.getResult();
  if (result.isRefused()) return tl::unexpected(ipc::readRefusal(result.getRefused()));
  return {};
}

std::vector<std::string> NetdInstance::list() {
  auto response = answerOf<capnp::Response<schema::Netd::ListResults>>(client().listRequest().send());
  std::vector<std::string> pods;
  for (auto each : response.getPods()) pods.push_back(ipc::toString(each.getPodId()));
  return pods;
}

std::string NetdInstance::notReady() {
  auto status = answerOf<capnp::Response<schema::Netd::StatusResults>>(client().statusRequest().send());
  if (status.getReady()) return "";
  return ipc::toString(status.getReason()) + ": " + ipc::toString(status.getMessage());
}

bool NetdInstance::waitForCount(size_t pods) {
  for (int i = 0; i < 200; ++i) {
    if (list().size() == pods) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return false;
}

size_t NetdInstance::countFiles(const std::string& directory, const std::string& part) const {
  size_t count = 0;
  std::error_code absent;
  for (const auto& file : fs::directory_iterator(root_ + "/" + directory, absent)) {
    if (file.path().filename().string().find(part) != std::string::npos) ++count;
  }
  return count;
}

size_t NetdInstance::countOpenFiles() const {
  fs::directory_iterator open("/proc/" + std::to_string(pid_) + "/fd");
  return static_cast<size_t>(std::distance(begin(open), end(open)));
}

size_t NetdInstance::countMounts() const {
  size_t count = 0;
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    if (line.find(root_ + "/") != std::string::npos) ++count;
  }
  return count;
}

}  // namespace bulkhead::netd::testing
