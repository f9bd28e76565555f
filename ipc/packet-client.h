// The asynchronous side of flat messages: one connection, one request, one reply (launcher) or a stream of
// them (helpers over a socketpair).
#pragma once

#include <capnp/message.h>
#include <kj/async-unix.h>

#include <string>
#include <vector>

#include "daemons/common/base/fd.h"
#include "ipc/packet.h"

namespace bulkhead::ipc {

// A SEQPACKET socket on the event loop.
class AsyncPacketSocket {
 public:
  // Takes the socket and makes it non-blocking.
  AsyncPacketSocket(kj::UnixEventPort& port, Fd socket);

  // Sends when there is room; descriptors are borrowed until the promise resolves. Rejects DISCONNECTED.
  kj::Promise<void> send(capnp::MessageBuilder& message, std::vector<int> fds = {});
  // The next packet. Rejects DISCONNECTED at end of stream and on a malformed packet. One receive at a time.
  kj::Promise<Packet> receive();

 private:
  kj::UnixEventPort& port_;
  Fd socket_;
  kj::UnixEventPort::FdObserver observer_;
};

// Connects to `path`, sends, awaits the one reply, closes. Dropping the promise closes the connection.
// Rejects DISCONNECTED if nobody answers. `fds` are owned and closed once sent.
kj::Promise<Packet> requestPacket(kj::UnixEventPort& port, const std::string& path,
                                  kj::Own<capnp::MallocMessageBuilder> message, std::vector<Fd> fds = {});

}  // namespace bulkhead::ipc
