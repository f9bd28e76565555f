// The packet socket to one of netd's helpers: sends in order, whoever asks.
#pragma once

#include <capnp/message.h>
#include <kj/async-unix.h>

#include <vector>

#include "daemons/common/base/fd.h"
#include "ipc/packet-client.h"

namespace bulkhead::netd {

class HelperChannel {
 public:
  HelperChannel(kj::UnixEventPort& port, Fd socket);

  // Queues `message` and owns it and `fds` until they are sent; they go out in the order of the calls. Any
  // failure rejects receive(): whoever waits for an answer would wait for ever.
  void send(kj::Own<capnp::MallocMessageBuilder> message, std::vector<Fd> fds = {});
  // The next packet; rejects when the helper has ended. One receive at a time.
  kj::Promise<ipc::Packet> receive();

 private:
  ipc::AsyncPacketSocket socket_;
  kj::PromiseFulfillerPair<void> broken_ = kj::newPromiseAndFulfiller<void>();
  kj::ForkedPromise<void> whenBroken_ = broken_.promise.fork();  // rejects with a send's failure
  kj::Promise<void> sends_;
};

}  // namespace bulkhead::netd
