// Flat messages: one Cap'n Proto message per SEQPACKET packet, descriptors attached. Synchronous, for
// programs without an event loop; ipc/packet-client.h is the asynchronous side.
//
// A body over limits::packetInline travels as a sealed memfd in front of the other descriptors; the first
// byte of the packet says which ('i' inline, 'm' memfd). Received bytes are always copied before they are
// looked at.
#pragma once

#include <capnp/message.h>
#include <capnp/serialize.h>

#include <chrono>
#include <optional>
#include <vector>

#include "daemons/common/base/fd.h"

namespace bulkhead::ipc {

// A received message and its descriptors (all close-on-exec).
class Packet {
 public:
  Packet(kj::Array<capnp::word> words, std::vector<Fd> fds);

  // The root struct; throws kj::Exception if the message is malformed. Valid while this Packet lives.
  template <typename T>
  typename T::Reader as() {
    return reader_->getRoot<T>();
  }
  // Descriptor `index`, at most once each; an invalid Fd if the peer did not send it.
  Fd takeFd(size_t index);
  [[nodiscard]] size_t fdCount() const { return fds_.size(); }

 private:
  kj::Array<capnp::word> words_;
  kj::Own<capnp::FlatArrayMessageReader> reader_;
  std::vector<Fd> fds_;
};

// Sends; descriptors are borrowed. Blocks unless the socket is non-blocking. False with errno if the peer is
// gone or does not take it.
[[nodiscard]] bool sendPacket(int socket, capnp::MessageBuilder& message, const std::vector<int>& fds = {});

// Receives one packet; nothing at end of stream, or with errno = EAGAIN after `timeout`. Throws
// std::runtime_error if the peer sent what is not a packet: cut it off.
std::optional<Packet> receivePacket(int socket,
                                    std::optional<std::chrono::milliseconds> timeout = std::nullopt);

// The same for a byte stream that holds exactly one message (a worker's result pipe, the configuration
// reader): a word count as little-endian 64-bit, then the words. Nothing at end of stream before the first
// byte. With `patience`: throws std::runtime_error if it is not whole in time, or when somebody cancels.
struct Patience {
  int cancelled = -1;  // readable or hung up: stop
  std::chrono::milliseconds limit{};
};
[[nodiscard]] bool writeMessage(int fd, capnp::MessageBuilder& message);
std::optional<Packet> readMessage(int fd, size_t limitBytes,
                                  const std::optional<Patience>& patience = std::nullopt);

}  // namespace bulkhead::ipc
