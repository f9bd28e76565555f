// Errand: one request to a process that the zygote forks for it, as main sees it. Dropping it closes the
// socket, which ends a process that listens, and the leash, at which the zygote kills one that does not.
#pragma once

#include <capnp/message.h>
#include <kj/async-unix.h>

#include "daemons/common/base/fd.h"
#include "ipc/packet-client.h"
#include "ipc/packet.h"
#include "ipc/schema/fetch.capnp.h"

namespace bulkhead::imaged {

// The zygote's control socket on the event loop.
class FetchZygote {
 public:
  FetchZygote(kj::UnixEventPort& port, Fd control);

  // Asks for a process that serves `socket`, and is killed when the other end of `leash` closes. Requests go
  // out in the order of the calls; a failure shows in watch().
  void spawn(schema::Spawn::Kind kind, Fd socket, Fd leash);
  // Rejects when the zygote is gone: main cannot go on without it. Never resolves.
  kj::Promise<void> watch();

 private:
  ipc::AsyncPacketSocket control_;
  kj::PromiseFulfillerPair<void> broken_ = kj::newPromiseAndFulfiller<void>();
  kj::Promise<void> sends_ = kj::READY_NOW;
};

class Errand {
 public:
  Errand(kj::UnixEventPort& port, FetchZygote& zygote, schema::Spawn::Kind kind);

  // To be filled in before run(): a FetchRequest or a PlanRequest. Wiped once it is sent.
  template <typename Request>
  typename Request::Builder init() {
    return message_.initRoot<Request>();
  }
  // The pipe that a blob goes to.
  void setSink(Fd sink) { sink_ = std::move(sink); }

  // A FetchReply or PlanReply. Rejects DISCONNECTED if the process died without one. Keep this object while
  // the promise lives.
  kj::Promise<ipc::Packet> run();

 private:
  void spawn();
  kj::Promise<void> sendRequest();

  kj::UnixEventPort& port_;
  FetchZygote& zygote_;
  schema::Spawn::Kind kind_;
  capnp::MallocMessageBuilder message_;
  Fd sink_;
  Fd leash_;
  kj::Maybe<kj::Own<ipc::AsyncPacketSocket>> socket_;
};

}  // namespace bulkhead::imaged
