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

kj::Promise<void> FetchZygote::spawn(Fd socket) {
  auto message = kj::heap<capnp::MallocMessageBuilder>();
  (void)message->initRoot<schema::Spawn>();
  int borrowed = socket.get();
  auto& raw = *message;
  return control_.send(raw, {borrowed}).attach(kj::mv(message), kj::heap(std::move(socket)));
}

kj::Promise<void> FetchZygote::watch() {
  return control_.receive().then([](ipc::Packet&&) -> kj::Promise<void> {
    return KJ_EXCEPTION(FAILED, "the fetch zygote sent what was not asked for");
  });
}

FetchOperation::FetchOperation(kj::UnixEventPort& port, FetchZygote& zygote)
    : port_(port), zygote_(zygote), request_(message_.initRoot<schema::FetchRequest>()) {}

kj::Promise<ipc::Packet> FetchOperation::run() {
  return spawn().then([this] { return sendRequest(); }).then([this] {
    return KJ_ASSERT_NONNULL(socket_)->receive();
  });
}

kj::Promise<void> FetchOperation::spawn() {
  SocketPair pair = makeSocketPair(SOCK_SEQPACKET);
  socket_ = kj::heap<ipc::AsyncPacketSocket>(port_, std::move(pair.first));
  return zygote_.spawn(std::move(pair.second));
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
