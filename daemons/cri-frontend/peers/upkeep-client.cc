#include "daemons/cri-frontend/peers/upkeep-client.h"

#include <memory>

#include "daemons/cri-frontend/peers/calling.h"
#include "ipc/file-capability.h"
#include "ipc/limits.h"
#include "ipc/packet-client.h"
#include "ipc/schema/shim.capnp.h"

namespace bulkhead::cri {
namespace {

// A shim answers between two reads of its container's output.
constexpr auto shimPatience = 10 * kj::SECONDS;

kj::Duration quick() {
  return std::chrono::milliseconds(limits::launcherQuick).count() * kj::MILLISECONDS;
}

}  // namespace

Answer<Fd> UpkeepClient::openLog(const ContainerId& container) {
  return callPeer<Fd>(timer_, "launcher", Repeat::onceIfDisconnected, [this, container]() {
    auto message = kj::heap<capnp::MallocMessageBuilder>();
    message->initRoot<schema::LaunchRequest>().setOpenLog(container.text());
    auto reply = ipc::requestPacket(port_, layout_.launcherSocket(), kj::mv(message));
    return timer_.timeoutAfter(quick(), kj::mv(reply)).then([](ipc::Packet&& packet) -> Outcome<Fd> {
      auto answer = packet.as<schema::LaunchReply>();
      if (answer.isRefused()) return tl::unexpected<Refusal>(ipc::readRefusal(answer.getRefused()));
      return packet.takeFd(0);
    });
  });
}

Answer<void> UpkeepClient::updateContainer(const ContainerId& container,
                                           std::function<void(schema::Resources::Builder)> describe) {
  auto attempt = [this, container, describe = std::move(describe)]() {
    auto message = kj::heap<capnp::MallocMessageBuilder>();
    auto update = message->initRoot<schema::LaunchRequest>().initUpdateContainer();
    update.setContainerId(container.text());
    describe(update.initResources());
    auto reply = ipc::requestPacket(port_, layout_.launcherSocket(), kj::mv(message));
    return timer_.timeoutAfter(quick(), kj::mv(reply)).then([](ipc::Packet&& packet) -> Outcome<void> {
      auto answer = packet.as<schema::LaunchReply>();
      if (answer.isRefused()) return tl::unexpected<Refusal>(ipc::readRefusal(answer.getRefused()));
      return {};
    });
  };
  return callPeer<void>(timer_, "launcher", Repeat::onceIfDisconnected, kj::mv(attempt));
}

kj::Own<ipc::RpcPeer> UpkeepClient::shimOf(const ContainerId& container) {
  return kj::heap<ipc::RpcPeer>(io_, "shim", layout_.shimDirectory() + "/" + container.text() + ".sock");
}

Answer<uint32_t> UpkeepClient::shimProtocol(const ContainerId& container) {
  return callPeer<uint32_t>(timer_, "shim", Repeat::no, [this, container]() {
    auto shim = shimOf(container);
    auto asked = shim->get<schema::Shim>().versionRequest().send();
    auto answered = asked.then([](auto&& response) -> Outcome<uint32_t> { return response.getProtocol(); });
    return timer_.timeoutAfter(shimPatience, answered.attach(kj::mv(shim)));
  });
}

Answer<void> UpkeepClient::reopenLog(const ContainerId& container, Fd log) {
  auto file = ipc::makeFile(std::move(log));
  return callPeer<void>(timer_, "shim", Repeat::no, [this, container, file]() mutable {
    auto shim = shimOf(container);
    auto request = shim->get<schema::Shim>().reopenLogRequest();
    request.setLog(file);
    auto done = request.send().then([](auto&& response) { return readNothing(response.getResult()); });
    return timer_.timeoutAfter(shimPatience, done.attach(kj::mv(shim)));
  });
}

Answer<void> UpkeepClient::attach(const ContainerId& container, Attached attached) {
  auto owned = std::make_shared<Attached>(std::move(attached));
  return callPeer<void>(timer_, "shim", Repeat::no, [this, container, owned]() {
    auto shim = shimOf(container);
    auto request = shim->get<schema::Shim>().attachRequest();
    if (owned->in) request.setStdin(ipc::makeFile(std::move(owned->in)));
    if (owned->out) request.setStdout(ipc::makeFile(std::move(owned->out)));
    if (owned->err) request.setStderr(ipc::makeFile(std::move(owned->err)));
    request.setEndsInput(owned->endsInput);
    auto done = request.send().then([](auto&& response) { return readNothing(response.getResult()); });
    return timer_.timeoutAfter(shimPatience, done.attach(kj::mv(shim)));
  });
}

Answer<void> UpkeepClient::resize(const ContainerId& container, uint16_t width, uint16_t height) {
  return callPeer<void>(timer_, "shim", Repeat::no, [this, container, width, height]() {
    auto shim = shimOf(container);
    auto request = shim->get<schema::Shim>().resizeRequest();
    request.setWidth(width);
    request.setHeight(height);
    auto done = request.send().then([](auto&& response) { return readNothing(response.getResult()); });
    return timer_.timeoutAfter(shimPatience, done.attach(kj::mv(shim)));
  });
}

Answer<void> UpkeepClient::ended(const ContainerId& container) {
  return callPeer<void>(timer_, "shim", Repeat::no, [this, container]() {
    auto shim = shimOf(container);
    auto answered = shim->get<schema::Shim>().waitRequest().send();
    return answered.then([](auto&&) { return Outcome<void>(); }).attach(kj::mv(shim));
  });
}

}  // namespace bulkhead::cri
