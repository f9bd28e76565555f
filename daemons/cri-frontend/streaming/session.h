// Session: one client of an exec or attach, from its streams to its exit code. Everything that it holds goes
// with it, at whatever moment that is.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemons/cri-frontend/streaming/conversation.h"
#include "daemons/cri-frontend/streaming/endpoint.h"
#include "daemons/cri-frontend/streaming/pumps.h"
#include "daemons/cri-frontend/streaming/remote-command.h"

namespace bulkhead::streaming {

class Session final : private Receiver {
 public:
  // Called once, when the client's streams are there.
  using Start = std::function<cri::Answer<kj::Own<Endpoint>>()>;
  struct Terms {
    Wanted wanted;
    Protocol protocol;
    kj::Duration idle;  // without a byte for so long, it is over
    Start start;
  };

  // `early` are bytes that came with the request. Resolves when it is over; rejects if the client is gone in
  // the middle of a write.
  static kj::Promise<void> run(EventLoop loop, kj::Own<Wire> wire, kj::Own<Framing> framing,
                               std::string early, Terms terms);

  Session(EventLoop loop, kj::Own<Wire> wire, kj::Own<Framing> framing, Terms terms);

 private:
  // Receiver
  bool opened(StreamId stream, const StreamHeaders& headers) override;
  void received(StreamId stream, std::string_view bytes) override;
  void ended(StreamId stream) override;
  void dropped(StreamId stream) override;

  kj::Promise<void> serve();

  kj::Promise<void> streamsHere();
  kj::Promise<void> connect(Outcome<kj::Own<Endpoint>> endpoint);
  kj::Promise<void> outputs();
  kj::Promise<void> sayHowItEnded(std::string text);

  [[nodiscard]] bool hasAllStreams() const;
  [[nodiscard]] std::optional<Role> roleOfStream(StreamId stream) const;
  void addOutlet(Role role, Fd fd);
  void resized(Size size);

  EventLoop loop_;
  const Terms terms_;
  Conversation client_;

  std::map<Role, StreamId> streams_;
  std::set<Role> dropped_;  // streams that the client has left
  Signal streamOpened_;

  Inlet inlet_;
  ResizeReader resizes_;
  std::optional<Size> size_;
  kj::Own<Endpoint> endpoint_;
  std::map<Role, kj::Own<Outlet>> outlets_;
  std::optional<Outcome<int>> end_;

  kj::Promise<void> carryingIn_ = nullptr;  // last: dies first
};

}  // namespace bulkhead::streaming
