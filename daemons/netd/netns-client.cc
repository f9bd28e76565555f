#include "daemons/netd/netns-client.h"

#include "ipc/convert.h"

namespace bulkhead::netd {
namespace {

Outcome<void> readDone(ipc::Packet packet) {
  auto reply = packet.as<schema::NetnsReply>();
  if (reply.isDone()) return {};
  if (reply.isRefused()) return tl::unexpected(ipc::readRefusal(reply.getRefused()));
  return refuse(Code::internal, "", "netns-helper gave an answer that does not fit");
}

Outcome<Fd> readSocket(ipc::Packet packet) {
  auto reply = packet.as<schema::NetnsReply>();
  if (reply.isRefused()) return tl::unexpected(ipc::readRefusal(reply.getRefused()));
  Fd socket = packet.takeFd(0);
  if (reply.isDone() && socket) return socket;
  return refuse(Code::internal, "", "netns-helper gave an answer that does not fit");
}

std::vector<PodId> readPods(ipc::Packet packet) {
  auto reply = packet.as<schema::NetnsReply>();
  KJ_REQUIRE(reply.isPods(), "netns-helper did not list its pins");
  std::vector<PodId> pods;
  for (auto text : reply.getPods()) {
    if (auto pod = PodId::parse(ipc::toString(text), "pods")) pods.push_back(*pod);
  }
  return pods;
}

}  // namespace

NetnsClient::NetnsClient(kj::UnixEventPort& port, Fd control) : channel_(port, std::move(control)) {}

kj::Promise<Outcome<void>> NetnsClient::make(const PodId& pod) {
  auto message = kj::heap<capnp::MallocMessageBuilder>();
  auto request = message->initRoot<schema::NetnsRequest>();
  request.setPodId(pod.text());
  request.setMake();
  return exchange(kj::mv(message)).then([](ipc::Packet&& packet) { return readDone(kj::mv(packet)); });
}

kj::Promise<Outcome<void>> NetnsClient::remove(const PodId& pod) {
  auto message = kj::heap<capnp::MallocMessageBuilder>();
  auto request = message->initRoot<schema::NetnsRequest>();
  request.setPodId(pod.text());
  request.setRemove();
  return exchange(kj::mv(message)).then([](ipc::Packet&& packet) { return readDone(kj::mv(packet)); });
}

kj::Promise<std::vector<PodId>> NetnsClient::list() {
  auto message = kj::heap<capnp::MallocMessageBuilder>();
  message->initRoot<schema::NetnsRequest>().setList();
  return exchange(kj::mv(message)).then([](ipc::Packet&& packet) { return readPods(kj::mv(packet)); });
}

kj::Promise<Outcome<Fd>> NetnsClient::watch(const PodId& pod) {
  auto message = kj::heap<capnp::MallocMessageBuilder>();
  auto request = message->initRoot<schema::NetnsRequest>();
  request.setPodId(pod.text());
  request.setWatch();
  return exchange(kj::mv(message)).then([](ipc::Packet&& packet) { return readSocket(kj::mv(packet)); });
}

kj::Promise<Outcome<void>> NetnsClient::forward(Forward wanted) {
  auto message = kj::heap<capnp::MallocMessageBuilder>();
  auto request = message->initRoot<schema::NetnsRequest>();
  request.setPodId(wanted.pod.text());
  request.initForward().setPort(wanted.port);
  request.getForward().setOfNode(wanted.ofNode);
  std::vector<Fd> fds;
  fds.push_back(std::move(wanted.connection));
  return exchange(kj::mv(message), std::move(fds)).then([](ipc::Packet&& packet) {
    return readDone(kj::mv(packet));
  });
}

kj::Promise<void> NetnsClient::serve() {
  return channel_.receive().then([this](ipc::Packet&& packet) {
    deliver(kj::mv(packet));
    return serve();
  });
}

kj::Promise<ipc::Packet> NetnsClient::exchange(kj::Own<capnp::MallocMessageBuilder> message,
                                               std::vector<Fd> fds) {
  auto paf = kj::newPromiseAndFulfiller<ipc::Packet>();
  waiting_.push_back(kj::mv(paf.fulfiller));
  channel_.send(kj::mv(message), std::move(fds));
  return kj::mv(paf.promise);
}

void NetnsClient::deliver(ipc::Packet packet) {
  KJ_REQUIRE(!waiting_.empty(), "netns-helper answered without being asked");
  auto fulfiller = kj::mv(waiting_.front());
  waiting_.pop_front();
  fulfiller->fulfill(kj::mv(packet));
}

}  // namespace bulkhead::netd
