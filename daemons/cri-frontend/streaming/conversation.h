// Conversation: a client's connection and its framing on the event loop. Reads while there is room, writes
// what there is, sees the client leave, and ends it when nothing is said for too long.
#pragma once

#include <functional>
#include <string>

#include "daemons/cri-frontend/streaming/framing.h"
#include "daemons/cri-frontend/streaming/limits.h"
#include "daemons/cri-frontend/streaming/signal.h"
#include "daemons/cri-frontend/streaming/wire.h"

namespace bulkhead::streaming {

class Conversation {
 public:
  // What its owner adds.
  struct Owner {
    Receiver& receiver;
    std::function<bool()> mayRead;  // is there memory for what the client may send?
    std::function<void()> moved;    // there may be room for output now
  };
  Conversation(EventLoop loop, kj::Own<Wire> wire, kj::Own<Framing> framing, kj::Duration idle, Owner owner);

  // `early` are bytes that came with the request; `served` is what the client came for. Resolves when either
  // side has had enough; rejects if the client is gone in the middle of a write.
  kj::Promise<void> run(std::string early, std::function<kj::Promise<void>()> serve);
  // Says goodbye, and waits a little for the client to leave. The owner drops what still comes.
  kj::Promise<void> goodbye();

  Framing& framing() { return *framing_; }
  [[nodiscard]] size_t room(StreamId stream) const { return hasSpace() ? framing_.get()->room(stream) : 0; }
  // To be called after anything that the framing was told.
  void sent();
  // To be called when mayRead() may have become true.
  void wake();
  // Resolves when there may be room for output.
  kj::Promise<void> moved() { return space_.next(); }

 private:
  kj::Promise<void> readClient();
  kj::Promise<void> take(std::string bytes);
  kj::Promise<void> writeClient();
  kj::Promise<void> watchIdle();
  kj::Promise<void> flushed();
  [[nodiscard]] bool hasSpace() const { return sending_ + framing_.get()->output().size() < limits::queued; }
  void touch() { lastByte_ = loop_.timer.now(); }

  EventLoop loop_;
  kj::Own<Wire> wire_;
  kj::Own<Framing> framing_;
  const kj::Duration idle_;
  const Owner owner_;
  kj::TimePoint lastByte_;
  size_t sending_ = 0;  // bytes on their way to the socket
  Signal output_, space_;
};

}  // namespace bulkhead::streaming
