#include <sys/socket.h>
#include <unistd.h>

#include <csignal>

#include "daemons/common/base/io.h"
#include "daemons/common/base/sockets.h"
#include "daemons/cri-frontend/tests/fake-peers.h"
#include "ipc/convert.h"
#include "ipc/file-capability.h"

namespace bulkhead::cri::test {
namespace {

class FakeShim final : public schema::Shim::Server {
 public:
  explicit FakeShim(FakeContainer& container) : container_(container) {}

  kj::Promise<void> version(VersionContext context) override {
    context.getResults().setProtocol(container_.shimProtocol);
    return kj::READY_NOW;
  }

  kj::Promise<void> reopenLog(ReopenLogContext context) override {
    return ipc::receiveFile(context.getParams().getLog()).then([this, context](Fd file) mutable {
      if (file) ++container_.logs;
      context.getResults().initResult().initOk();
    });
  }

  kj::Promise<void> wait(WaitContext context) override {
    kj::Promise<void> ended = kj::READY_NOW;
    if (container_.state != schema::ContainerInfo::State::EXITED) {
      auto pair = kj::newPromiseAndFulfiller<void>();
      container_.waiting.push_back(kj::mv(pair.fulfiller));
      ended = kj::mv(pair.promise);
    }
    return ended.then(
        [this, context]() mutable { context.getResults().initExit().setCode(container_.code); });
  }

 private:
  FakeContainer& container_;
};

std::string callOf(schema::LaunchRequest::Reader request) {
  switch (request.which()) {
    case schema::LaunchRequest::MAKE_POD:
      return "launcher.makePod";
    case schema::LaunchRequest::REMOVE_POD:
      return "launcher.removePod";
    case schema::LaunchRequest::CREATE_CONTAINER:
      return "launcher.createContainer";
    case schema::LaunchRequest::START_CONTAINER:
      return "launcher.startContainer";
    case schema::LaunchRequest::SIGNAL_CONTAINER:
      return "launcher.signal " + std::to_string(request.getSignalContainer().getSignal());
    case schema::LaunchRequest::DELETE_CONTAINER:
      return "launcher.deleteContainer";
    case schema::LaunchRequest::EXEC:
      return "launcher.exec";
    case schema::LaunchRequest::LIST:
      return "launcher.list";
    case schema::LaunchRequest::OPEN_LOG:
      return "launcher.openLog";
    case schema::LaunchRequest::UPDATE_CONTAINER:
      return "launcher.updateContainer";
    default:
      return "launcher.other";
  }
}

}  // namespace

FakeLauncher::FakeLauncher(kj::AsyncIoContext& io, Script& script, const Layout& layout)
    : io_(io),
      script_(script),
      layout_(layout),
      listener_(listenAt(layout.launcherSocket(), SOCK_SEQPACKET)),
      observer_(io.unixEventPort, listener_.get(), kj::UnixEventPort::FdObserver::OBSERVE_READ),
      tasks_(errors_) {
  tasks_.add(acceptAll());
}

kj::Promise<void> FakeLauncher::acceptAll() {
  while (Fd connection = acceptOn(listener_.get())) tasks_.add(answer(std::move(connection)));
  return observer_.whenBecomesReadable().then([this]() { return acceptAll(); });
}

kj::Promise<void> FakeLauncher::answer(Fd connection) {
  auto socket = kj::heap<ipc::AsyncPacketSocket>(io_.unixEventPort, std::move(connection));
  auto& raw = *socket;
  auto reply = kj::heap<capnp::MallocMessageBuilder>();
  auto& message = *reply;
  return raw.receive()
      .then([this, &raw, &message](ipc::Packet&& packet) -> kj::Promise<void> {
        if (script_.silent.contains(callOf(packet.as<schema::LaunchRequest>()))) return kj::NEVER_DONE;
        handle(packet, message.initRoot<schema::LaunchReply>());
        std::vector<int> fds;
        if (packet.as<schema::LaunchRequest>().isOpenLog()) fds.push_back(listener_.get());
        return raw.send(message, std::move(fds));
      })
      .attach(kj::mv(socket), kj::mv(reply));
}

void FakeLauncher::handle(ipc::Packet& packet, schema::LaunchReply::Builder reply) {
  auto request = packet.as<schema::LaunchRequest>();
  if (auto refusal = script_.on(callOf(request), "")) {
    ipc::writeRefusal(reply.initRefused(), *refusal);
    return;
  }
  reply.setDone();
  switch (request.which()) {
    case schema::LaunchRequest::MAKE_POD:
      pods.insert(ipc::toString(request.getMakePod().getId()));
      reply.initPod().setCgroup("/fake/" + ipc::toString(request.getMakePod().getId()));
      break;
    case schema::LaunchRequest::REMOVE_POD:
      pods.erase(ipc::toString(request.getRemovePod()));
      break;
    case schema::LaunchRequest::CREATE_CONTAINER:
      createContainer(request.getCreateContainer());
      describe(reply.initContainer(), ipc::toString(request.getCreateContainer().getId()));
      break;
    case schema::LaunchRequest::START_CONTAINER:
      containers.at(ipc::toString(request.getStartContainer()))->state =
          schema::ContainerInfo::State::RUNNING;
      break;
    case schema::LaunchRequest::SIGNAL_CONTAINER:
      signal(request.getSignalContainer(), reply);
      break;
    case schema::LaunchRequest::DELETE_CONTAINER: {
      auto id = ipc::toString(request.getDeleteContainer());
      ::unlink((layout_.shimDirectory() + "/" + id + ".sock").c_str());
      containers.erase(id);
      break;
    }
    case schema::LaunchRequest::EXEC: {
      Fd out = packet.takeFd(0);
      if (!writeAll(out.get(), execOutput)) throwErrno("write exec output");
      reply.initExec().setExited(3);
      break;
    }
    case schema::LaunchRequest::INSPECT:
      describe(reply.initContainer(), ipc::toString(request.getInspect()));
      break;
    case schema::LaunchRequest::LIST: {
      auto list = reply.initList(static_cast<unsigned>(pods.size()));
      unsigned i = 0;
      for (const auto& pod : pods) {
        list[i].setId(pod);
        std::vector<std::string> ids;
        for (const auto& [id, container] : containers) {
          if (container->podId == pod) ids.push_back(id);
        }
        auto to = list[i++].initContainers(static_cast<unsigned>(ids.size()));
        for (unsigned k = 0; k < ids.size(); ++k) describe(to[k], ids[k]);
      }
      break;
    }
    case schema::LaunchRequest::UPDATE_CONTAINER:
    case schema::LaunchRequest::OPEN_LOG:
      break;
    case schema::LaunchRequest::COUNT_FILES:
      reply.initFiles(0);
      break;
    case schema::LaunchRequest::VERSION:
      reply.setVersion("1.2.3");
      break;
  }
}

void FakeLauncher::createContainer(schema::ContainerSpec::Reader spec) {
  auto id = ipc::toString(spec.getId());
  auto container = std::make_unique<FakeContainer>();
  container->podId = ipc::toString(spec.getPodId());
  container->diesOnTerm = !stubborn;
  auto& raw = *container;
  if (!withoutShims) {
    ipc::PermittedPeer self{::getuid(), ""};
    container->shim = kj::heap<ipc::RpcListener>(
        *io_.lowLevelProvider, listenAt(layout_.shimDirectory() + "/" + id + ".sock", SOCK_STREAM), self,
        [&raw]() { return kj::heap<FakeShim>(raw); });
    container->serving = container->shim->run().eagerlyEvaluate(nullptr);
  }
  containers[id] = std::move(container);
}

void FakeLauncher::signal(schema::Signal::Reader signal, schema::LaunchReply::Builder reply) {
  auto id = ipc::toString(signal.getContainerId());
  auto found = containers.find(id);
  if (found == containers.end() || found->second->state != schema::ContainerInfo::State::RUNNING) {
    ipc::writeRefusal(reply.initRefused(), {Code::failedPrecondition, "container_id", "is not running"});
    return;
  }
  bool deadly = signal.getSignal() == SIGKILL || found->second->diesOnTerm;
  if (deadly) end(id, 128 + signal.getSignal());
}

void FakeLauncher::end(const std::string& id, int code) {
  auto& container = *containers.at(id);
  container.state = schema::ContainerInfo::State::EXITED;
  container.code = code;
  for (auto& waiter : container.waiting) waiter->fulfill();
  container.waiting.clear();
}

void FakeLauncher::describe(schema::ContainerInfo::Builder to, const std::string& id) {
  auto found = containers.find(id);
  to.setId(id);
  to.setPodId(found == containers.end() ? id : found->second->podId);
  to.setState(found == containers.end() ? schema::ContainerInfo::State::LOST : found->second->state);
  if (found == containers.end()) return;
  to.setCgroup("/fake/" + found->second->podId + "/" + id);
  auto exit = to.initExit();
  exit.setCode(found->second->code);
  exit.setStartedAt(found->second->startedAt);
}

}  // namespace bulkhead::cri::test
