#include "daemons/netd/helper-channel.h"

namespace bulkhead::netd {

HelperChannel::HelperChannel(kj::UnixEventPort& port, Fd socket)
    : socket_(port, std::move(socket)), sends_(kj::READY_NOW) {}

void HelperChannel::send(kj::Own<capnp::MallocMessageBuilder> message, std::vector<Fd> fds) {
  std::vector<int> borrowed;
  for (const Fd& fd : fds) borrowed.push_back(fd.get());
  auto& raw = *message;
  auto sent =
      sends_.then([this, &raw, borrowed = std::move(borrowed)]() { return socket_.send(raw, borrowed); });
  sends_ =
      sent.attach(kj::mv(message), kj::heap(std::move(fds))).eagerlyEvaluate([this](kj::Exception&& failure) {
        broken_.fulfiller->reject(kj::mv(failure));
      });
}

kj::Promise<ipc::Packet> HelperChannel::receive() {
  auto failure = whenBroken_.addBranch().then([]() -> kj::Promise<ipc::Packet> { return kj::NEVER_DONE; });
  return socket_.receive().exclusiveJoin(kj::mv(failure));
}

}  // namespace bulkhead::netd
