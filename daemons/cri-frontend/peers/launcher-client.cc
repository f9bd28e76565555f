#include "daemons/cri-frontend/peers/launcher-client.h"

#include "ipc/limits.h"

namespace bulkhead::cri {
namespace {

constexpr const char* name = "launcher";

constexpr kj::Duration noLimit = 0 * kj::SECONDS;

kj::Duration toKj(std::chrono::milliseconds duration) {
  return duration.count() * kj::MILLISECONDS;
}
kj::Duration quick() {
  return toKj(limits::launcherQuick);
}
// The launcher kills a runtime at its limit and then still has to clean up and answer.
kj::Duration slow() {
  return toKj(limits::ociRuntime) + quick();
}

tl::unexpected<Refusal> oddReply() {
  return refuse(Code::internal, "", "the launcher gave an answer that does not fit the request");
}

Outcome<ContainerFacts> readContainer(schema::ContainerInfo::Reader from) {
  auto id = ContainerId::parse(ipc::toString(from.getId()), "id");
  auto pod = PodId::parse(ipc::toString(from.getPodId()), "podId");
  if (!id || !pod) return oddReply();
  ContainerFacts facts{*id,
                       *pod,
                       from.getPid(),
                       ContainerFacts::State::lost,
                       readExit(from.getExit()),
                       ipc::toString(from.getCgroup())};
  switch (from.getState()) {
    case schema::ContainerInfo::State::CREATED:
      facts.state = ContainerFacts::State::created;
      break;
    case schema::ContainerInfo::State::RUNNING:
      facts.state = ContainerFacts::State::running;
      break;
    case schema::ContainerInfo::State::EXITED:
      facts.state = ContainerFacts::State::exited;
      break;
    default:
      break;
  }
  return facts;
}

Outcome<ContainerFacts> readOneContainer(schema::LaunchReply::Reader from) {
  if (!from.isContainer()) return oddReply();
  return readContainer(from.getContainer());
}

Outcome<std::vector<PodFacts>> readPods(capnp::List<schema::PodInfo>::Reader from) {
  std::vector<PodFacts> pods;
  for (auto pod : from) {
    auto id = PodId::parse(ipc::toString(pod.getId()), "id");
    if (!id) return oddReply();
    PodFacts facts{*id, {}, ipc::toString(pod.getCgroup())};
    for (auto container : pod.getContainers()) {
      auto read = readContainer(container);
      if (!read) return tl::unexpected(read.error());
      facts.containers.push_back(*read);
    }
    pods.push_back(std::move(facts));
  }
  return pods;
}

kj::Promise<ipc::Packet> limited(kj::Timer& timer, kj::Duration limit, kj::Promise<ipc::Packet> reply) {
  if (limit == noLimit) return reply;
  return timer.timeoutAfter(limit, kj::mv(reply));
}

}  // namespace

ExitFacts readExit(schema::Exit::Reader from) {
  return {from.getCode(), from.getStartedAt(), from.getFinishedAt(), from.getOomKilled()};
}

LauncherClient::LauncherClient(kj::UnixEventPort& port, kj::Timer& timer, std::string socket)
    : port_(port), timer_(timer), socket_(std::move(socket)) {}

template <typename T>
Answer<T> LauncherClient::request(Repeat repeat, kj::Duration limit, Fill fill, Read<T> read,
                                  std::vector<Fd> fds) {
  auto owned = std::make_shared<std::vector<Fd>>(std::move(fds));
  return callPeer<T>(
      timer_, name, repeat, [this, limit, fill = std::move(fill), read = std::move(read), owned]() {
        auto message = kj::heap<capnp::MallocMessageBuilder>();
        fill(message->initRoot<schema::LaunchRequest>());
        auto reply = ipc::requestPacket(port_, socket_, kj::mv(message), std::move(*owned));
        return limited(timer_, limit, kj::mv(reply)).then([read](ipc::Packet&& packet) -> Outcome<T> {
          auto answer = packet.as<schema::LaunchReply>();
          if (answer.isRefused()) return tl::unexpected<Refusal>(ipc::readRefusal(answer.getRefused()));
          return read(answer);
        });
      });
}

Answer<void> LauncherClient::run(Repeat repeat, kj::Duration limit, Fill fill) {
  return request<void>(repeat, limit, std::move(fill),
                       [](schema::LaunchReply::Reader) { return Outcome<void>(); });
}

Answer<std::string> LauncherClient::makePod(std::function<void(schema::PodSpec::Builder)> describe) {
  auto fill = [describe = std::move(describe)](schema::LaunchRequest::Builder to) {
    describe(to.initMakePod());
  };
  return request<std::string>(Repeat::onceIfDisconnected, slow(), fill,
                              [](schema::LaunchReply::Reader from) -> Outcome<std::string> {
                                if (!from.isPod()) return oddReply();
                                return ipc::toString(from.getPod().getCgroup());
                              });
}

Answer<void> LauncherClient::removePod(const PodId& pod) {
  return run(Repeat::onceIfDisconnected, slow(), [pod](auto to) { to.setRemovePod(pod.text()); });
}

Answer<ContainerFacts> LauncherClient::createContainer(
    std::function<void(schema::ContainerSpec::Builder)> describe) {
  auto fill = [describe = std::move(describe)](schema::LaunchRequest::Builder to) {
    describe(to.initCreateContainer());
  };
  // Not repeated: a launcher that died in the middle leaves a container half made, which undo deletes.
  return request<ContainerFacts>(Repeat::no, slow(), fill, readOneContainer);
}

Answer<void> LauncherClient::startContainer(const ContainerId& container) {
  return run(Repeat::no, slow(), [container](auto to) { to.setStartContainer(container.text()); });
}

Answer<void> LauncherClient::signalContainer(const ContainerId& container, unsigned signal,
                                             bool allProcesses) {
  return run(Repeat::onceIfDisconnected, slow(), [container, signal, allProcesses](auto to) {
    auto details = to.initSignalContainer();
    details.setContainerId(container.text());
    details.setSignal(static_cast<uint8_t>(signal));
    details.setAll(allProcesses);
  });
}

Answer<void> LauncherClient::deleteContainer(const ContainerId& container) {
  return run(Repeat::onceIfDisconnected, slow(),
             [container](auto to) { to.setDeleteContainer(container.text()); });
}

Answer<ExecResult> LauncherClient::exec(const ContainerId& container, const std::vector<std::string>& args,
                                        uint32_t timeoutMs, ExecPipes pipes) {
  bool withInput = pipes.in.valid();
  bool withTerminal = pipes.terminal.valid();
  std::vector<Fd> fds;
  for (Fd* fd : {&pipes.in, &pipes.out, &pipes.err, &pipes.terminal}) {
    if (fd->valid()) fds.push_back(std::move(*fd));
  }
  auto fill = [container, args, timeoutMs, withInput, withTerminal](schema::LaunchRequest::Builder to) {
    auto details = to.initExec();
    details.setContainerId(container.text());
    details.setTimeoutMs(timeoutMs);
    details.setStdin(withInput);
    details.setTty(withTerminal);
    auto list = details.initArgs(static_cast<unsigned>(args.size()));
    for (unsigned i = 0; i < args.size(); ++i) list.set(i, ipc::toData(args[i]));
  };
  auto read = [](schema::LaunchReply::Reader from) -> Outcome<ExecResult> {
    if (!from.isExec()) return oddReply();
    auto end = from.getExec();
    return end.isTimedOut() ? ExecResult{true, 0} : ExecResult{false, end.getExited()};
  };
  auto limit = timeoutMs == 0 ? noLimit : timeoutMs * kj::MILLISECONDS + slow();
  return request<ExecResult>(Repeat::no, limit, fill, read, std::move(fds));
}

Answer<ContainerFacts> LauncherClient::inspect(const ContainerId& container) {
  auto fill = [container](schema::LaunchRequest::Builder to) { to.setInspect(container.text()); };
  return request<ContainerFacts>(Repeat::onceIfDisconnected, quick(), fill, readOneContainer);
}

Answer<std::vector<PodFacts>> LauncherClient::list() {
  auto fill = [](schema::LaunchRequest::Builder to) { to.setList(); };
  return request<std::vector<PodFacts>>(
      Repeat::onceIfDisconnected, quick(), fill,
      [](schema::LaunchReply::Reader from) -> Outcome<std::vector<PodFacts>> {
        if (!from.isList()) return oddReply();
        return readPods(from.getList());
      });
}

Answer<std::map<ContainerId, OpenFiles>> LauncherClient::countFiles(const std::vector<PodId>& pods) {
  using Counted = std::map<ContainerId, OpenFiles>;
  auto fill = [pods](schema::LaunchRequest::Builder to) {
    auto ids = to.initCountFiles(static_cast<unsigned>(pods.size()));
    for (unsigned i = 0; i < ids.size(); ++i) ids.set(i, pods[i].text());
  };
  return request<Counted>(
      Repeat::no, quick(), fill, [](schema::LaunchReply::Reader from) -> Outcome<Counted> {
        if (!from.isFiles()) return oddReply();
        Counted counted;
        for (auto one : from.getFiles()) {
          auto id = ContainerId::parse(ipc::toString(one.getContainerId()), "containerId");
          if (id) counted[*id] = {one.getDescriptors(), one.getSockets(), one.getLimit()};
        }
        return counted;
      });
}

Answer<std::string> LauncherClient::version(const std::string& handler) {
  auto fill = [handler](schema::LaunchRequest::Builder to) { to.setVersion(handler); };
  return request<std::string>(Repeat::onceIfDisconnected, quick(), fill,
                              [](schema::LaunchReply::Reader from) -> Outcome<std::string> {
                                if (!from.isVersion()) return oddReply();
                                return ipc::toString(from.getVersion());
                              });
}

}  // namespace bulkhead::cri
