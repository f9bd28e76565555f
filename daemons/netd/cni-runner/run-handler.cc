#include "daemons/netd/cni-runner/run-handler.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <thread>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/descriptors.h"
#include "daemons/common/base/ids.h"
#include "daemons/common/base/log.h"
#include "daemons/netd/cni-runner/plugin-file.h"
#include "daemons/netd/cni-runner/plugin-process.h"
#include "ipc/convert.h"

namespace bulkhead::cni {
namespace {

using std::chrono::milliseconds;
using Command = schema::PluginRun::Command;

// A plugin that hangs in the kernel does not die of SIGKILL; the caller is answered all the same.
constexpr milliseconds dyingTime{2000}, longestRun{600'000};

// Seals exist on memfds only: no other regular file answers.
bool isMemfd(const Fd& fd) {
  return ::fcntl(fd.get(), F_GET_SEALS) >= 0;
}

bool isPacketSocket(const Fd& fd) {
  int type = 0;
  socklen_t size = sizeof type;
  return ::getsockopt(fd.get(), SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

// The pod's namespace; invalid if it has none (before its make, or after a reboot).
Fd openNetns(const Places& places, const PodId& pod) {
  Fd file = tryOpenBeneath(openDirectory(places.netnsDirectory).get(), pod.text(), O_RDONLY);
  struct statfs info {};
  if (!file || ::fstatfs(file.get(), &info) != 0 || info.f_type != NSFS_MAGIC) return {};
  return file;
}

// The lock is on the namespace itself and ends with this process.
bool lockUntil(const Fd& netns, Deadline deadline) {
  while (::flock(netns.get(), LOCK_EX | LOCK_NB) != 0) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(milliseconds(5));
  }
  return true;
}

class Run {
 public:
  Run(schema::PluginRun::Reader request, StandardFds fds, Fd caller, PluginGroup& group, const Places& places)
      : request_(request), fds_(std::move(fds)), caller_(std::move(caller)), group_(group), places_(places) {
    deadline_ = std::chrono::steady_clock::now() + std::min(milliseconds(request.getTimeoutMs()), longestRun);
  }

  void execute() {
    auto environment = prepare();
    if (!environment) return ipc::writeRefusal(end_.initRefused(), environment.error());
    auto path = findPlugin(places_.pluginDirectories, ipc::toString(request_.getPlugin()));
    if (!path) return ipc::writeRefusal(end_.initRefused(), path.error());
    if (netns_ && !lockUntil(netns_, deadline_)) return end_.setTimedOut();
    int abandonable = request_.getCommand() == Command::ADD ? caller_.get() : -1;
    // Its DEL may have had the lock before us: nothing may be added after that.
    if (hasHungUp(abandonable)) return end_.setTimedOut();
    process_.emplace(*path, std::move(*environment), fds_, group_);
    if (process_->wait(deadline_, abandonable)) return end_.setExited(process_->reap());
    process_->kill();
    (void)process_->wait(std::chrono::steady_clock::now() + dyingTime, -1);
    end_.setTimedOut();
  }

  void answer() {
    fds_ = {};
    if (!ipc::sendPacket(caller_.get(), message_)) log::warning("nobody waits for the plugin");
    if (end_.isTimedOut() && process_) (void)process_->reap();  // the lock stays until it is really gone
  }

 private:
  Outcome<std::vector<std::string>> prepare() {
    bool fit =
        (isPipe(fds_.in.get()) || isMemfd(fds_.in)) && isPipe(fds_.out.get()) && isPipe(fds_.err.get());
    if (!fit) return invalid("descriptors", "are not pipes or a memfd");
    std::string path;
    if (request_.getPodId().size() != 0) {
      auto pod = PodId::parse(ipc::toString(request_.getPodId()), "podId");
      if (!pod) return tl::unexpected(pod.error());
      netns_ = openNetns(places_, *pod);
      if (netns_) path = places_.netnsDirectory + "/" + pod->text();
    }
    bool needed = request_.getCommand() == Command::ADD || request_.getCommand() == Command::CHECK;
    if (needed && !netns_) return refuse(Code::failedPrecondition, "podId", "has no network namespace");
    return pluginEnvironment(request_, path, places_);
  }

  schema::PluginRun::Reader request_;
  StandardFds fds_;
  Fd caller_;
  PluginGroup& group_;
  const Places& places_;
  Deadline deadline_;
  Fd netns_;
  std::optional<PluginProcess> process_;
  capnp::MallocMessageBuilder message_;
  schema::PluginEnd::Builder end_ = message_.initRoot<schema::PluginEnd>();
};

}  // namespace

void handleRun(ipc::Packet packet, PluginGroup& group, const Places& places) {
  StandardFds fds{packet.takeFd(0), packet.takeFd(1), packet.takeFd(2)};
  Fd caller = packet.takeFd(3);
  if (!isPacketSocket(caller)) throw std::runtime_error("run without a socket to answer on");
  Run run(packet.as<schema::PluginRun>(), std::move(fds), std::move(caller), group, places);
  run.execute();
  run.answer();
}

}  // namespace bulkhead::cni
