#include "daemons/imaged/errand.h"

#include <sys/socket.h>

#include "daemons/imaged/wipe.h"

namespace bulkhead::imaged {

FetchZygote::FetchZygote(kj::UnixEventPort& port, Fd control) : control_(port, std::move(control)) {}

void FetchZygote::spawn(schema::Spawn::Kind kind, Fd socket, Fd leash) {
  auto message = kj::heap<capnp::MallocMessageBuilder>();
  message->initRoot<schema::Spawn>().setKind(kind);
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

Errand::Errand(kj::UnixEventPort& port, FetchZygote& zygote, schema::Spawn::Kind kind)
    : port_(port), zygote_(zygote), kind_(kind) {}

kj::Promise<ipc::Packet> Errand::run() {
  spawn();
  return sendRequest().then([this] { return KJ_ASSERT_NONNULL(socket_)->receive(); });
}

void Errand::spawn() {
  SocketPair pair = makeSocketPair(SOCK_SEQPACKET);
  Pipe leash = makePipe();
  socket_ = kj::heap<ipc::AsyncPacketSocket>(port_, std::move(pair.first));
  leash_ = std::move(leash.write);
  zygote_.spawn(kind_, std::move(pair.second), std::move(leash.read));
}

kj::Promise<void> Errand::sendRequest() {
  std::vector<int> fds;
  if (sink_) fds.push_back(sink_.get());
  return KJ_ASSERT_NONNULL(socket_)->send(message_, std::move(fds)).then([this] {
    wipe(message_);
    sink_.reset();
  });
}

}  // namespace bulkhead::imaged
