#include "daemons/imaged/fetch-operation.h"

#include <sys/socket.h>

#include <cstring>

namespace bulkhead::imaged {
namespace {

// The credential has been sent on; no copy of ours outlives that.
void wipe(capnp::MallocMessageBuilder& message) {
  for (auto segment : message.getSegmentsForOutput()) {
    auto bytes = segment.asBytes();
    ::explicit_bzero(const_cast<unsigned char*>(bytes.begin()), bytes.size());
  }
}

}  // namespace

FetchZygote::FetchZygote(kj::UnixEventPort& port, Fd control) : control_(port, std::move(control)) {}

void FetchZygote::spawn(Fd socket, Fd leash) {
  auto message = kj::heap<capnp::MallocMessageBuilder>();
  (void)message->initRoot<schema::Spawn>();
  std::vector<int> borrowed{socket.get(), leash.get()};
  auto& raw = *message;
  auto sent = sends_.then([this, &raw, borrowed = std::move(borrowed)]() mutable {
    return control_.send(raw, std::move(borrowed));
  });
  sends_ = sent.attach(kj::mv(message), kj::heap(std::move(socket)), kj::heap(std::move(leash)))
               .eagerlyEvaluate([this](kj::Exception&& e) { broken_.fulfiller->reject(kj::mv(e)); });
}

kj::Promise<void> FetchZygote::watch() {
  auto spoke = control_.receive().then([](ipc::Packet&&) -> kj::Promise<void> {
    return KJ_EXCEPTION(FAILED, "the fetch zygote sent what was not asked for");
  });
  return spoke.exclusiveJoin(kj::mv(broken_.promise));
}

FetchOperation::FetchOperation(kj::UnixEventPort& port, FetchZygote& zygote)
    : port_(port), zygote_(zygote), request_(message_.initRoot<schema::FetchRequest>()) {}

kj::Promise<ipc::Packet> FetchOperation::run() {
  spawn();
  return sendRequest().then([this] { return KJ_ASSERT_NONNULL(socket_)->receive(); });
}

void FetchOperation::spawn() {
  SocketPair pair = makeSocketPair(SOCK_SEQPACKET);
  Pipe leash = makePipe();
  socket_ = kj::heap<ipc::AsyncPacketSocket>(port_, std::move(pair.first));
  leash_ = std::move(leash.write);
  zygote_.spawn(std::move(pair.second), std::move(leash.read));
}

kj::Promise<void> FetchOperation::sendRequest() {
  std::vector<int> fds;
  if (sink_) fds.push_back(sink_.get());
  return KJ_ASSERT_NONNULL(socket_)->send(message_, std::move(fds)).then([this] {
    wipe(message_);
    sink_.reset();
  });
}

}  // namespace bulkhead::imaged
