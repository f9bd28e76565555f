#include "daemons/cri-frontend/peers/netd-client.h"

#include "daemons/common/base/address.h"
#include "ipc/convert.h"
#include "ipc/file-capability.h"

namespace bulkhead::cri {
namespace {

constexpr const char* name = "netd";

Attachment readAttachment(schema::Attachment::Reader from) {
  Attachment to{{}, ipc::toString(from.getNetnsPath())};
  for (auto address : from.getAddresses()) {
    if (auto text = ipc::toString(address); isAddress(text)) to.addresses.push_back(std::move(text));
  }
  return to;
}

InterfaceCounters readInterface(schema::PodCounters::Interface::Reader from) {
  return {.name = ipc::toString(from.getName()),
          .receivedBytes = from.getReceivedBytes(),
          .receivedErrors = from.getReceivedErrors(),
          .receivedPackets = from.getReceivedPackets(),
          .receivedDropped = from.getReceivedDropped(),
          .sentBytes = from.getSentBytes(),
          .sentErrors = from.getSentErrors(),
          .sentPackets = from.getSentPackets(),
          .sentDropped = from.getSentDropped()};
}

PodCounters readCounters(capnp::List<schema::PodCounters>::Reader from) {
  PodCounters counters;
  for (auto pod : from) {
    auto id = PodId::parse(ipc::toString(pod.getPodId()), "podId");
    if (!id) continue;
    for (auto interface : pod.getInterfaces()) counters[*id].push_back(readInterface(interface));
  }
  return counters;
}

}  // namespace

NetdClient::NetdClient(kj::LowLevelAsyncIoProvider& io, kj::Timer& timer, std::string socket)
    : timer_(timer), peer_(io, name, std::move(socket)) {}

Answer<Attachment> NetdClient::attach(std::function<void(schema::PodNetwork::Builder)> describe) {
  return callPeer<Attachment>(
      timer_, name, Repeat::onceIfDisconnected, [this, describe = std::move(describe)]() {
        auto request = peer_.get<schema::Netd>().attachRequest();
        describe(request.initPod());
        return request.send().then(
            [](auto&& response) { return readResult(response.getResult(), readAttachment); });
      });
}

Answer<void> NetdClient::detach(const PodId& pod) {
  return callPeer<void>(timer_, name, Repeat::onceIfDisconnected, [this, pod]() {
    auto request = peer_.get<schema::Netd>().detachRequest();
    request.setPodId(pod.text());
    return request.send().then([](auto&& response) { return readNothing(response.getResult()); });
  });
}

Answer<std::map<PodId, Attachment>> NetdClient::list() {
  using Attachments = std::map<PodId, Attachment>;
  return callPeer<Attachments>(timer_, name, Repeat::onceIfDisconnected, [this]() {
    return peer_.get<schema::Netd>().listRequest().send().then([](auto&& response) -> Outcome<Attachments> {
      Attachments all;
      for (auto pod : response.getPods()) {
        auto id = PodId::parse(ipc::toString(pod.getPodId()), "podId");
        if (id) all.emplace(*id, readAttachment(pod.getAttachment()));
      }
      return all;
    });
  });
}

// Asked every few seconds, and answered from memory: who does not answer soon hangs.
Answer<NetworkStatus> NetdClient::status() {
  constexpr auto limit = 2 * kj::SECONDS;
  auto answer = callPeer<NetworkStatus>(timer_, name, Repeat::onceIfDisconnected, [this]() {
    return peer_.get<schema::Netd>().statusRequest().send().then(
        [](auto&& response) -> Outcome<NetworkStatus> {
          return NetworkStatus{response.getReady(), ipc::toString(response.getReason()),
                               ipc::toString(response.getMessage())};
        });
  });
  return timer_.timeoutAfter(limit, kj::mv(answer)).catch_([](kj::Exception&&) -> Outcome<NetworkStatus> {
    return refuse(Code::unavailable, "", "netd does not answer");
  });
}

Answer<PodCounters> NetdClient::counters(const std::vector<PodId>& pods) {
  return callPeer<PodCounters>(timer_, name, Repeat::onceIfDisconnected, [this, pods]() {
    auto request = peer_.get<schema::Netd>().countersRequest();
    auto ids = request.initPodIds(static_cast<unsigned>(pods.size()));
    for (unsigned i = 0; i < ids.size(); ++i) ids.set(i, pods[i].text());
    return request.send().then(
        [](auto&& response) -> Outcome<PodCounters> { return readCounters(response.getPods()); });
  });
}

Answer<void> NetdClient::forward(const PodId& pod, uint16_t port, bool ofNode, Fd connection) {
  auto file = ipc::makeFile(std::move(connection));
  return callPeer<void>(timer_, name, Repeat::no, [this, pod, port, ofNode, file]() mutable {
    auto request = peer_.get<schema::Netd>().forwardRequest();
    request.setPodId(pod.text());
    request.setPort(port);
    request.setOfNode(ofNode);
    request.setConnection(file);
    return request.send().then([](auto&& response) { return readNothing(response.getResult()); });
  });
}

}  // namespace bulkhead::cri
