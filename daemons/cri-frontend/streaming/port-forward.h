// PortForward: one client of portforward.k8s.io over SPDY. For each connection that it forwards it opens a
// pair of streams, which share a request id: bytes, and what went wrong (k8s.io/client-go,
// tools/portforward). Pairs know nothing of each other: what becomes of one's connection ends only that one.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemons/common/base/fd.h"
#include "daemons/cri-frontend/answer.h"
#include "daemons/cri-frontend/streaming/conversation.h"
#include "daemons/cri-frontend/streaming/pumps.h"

namespace bulkhead::streaming {

class PortForward final : private Receiver, private kj::TaskSet::ErrorHandler {
 public:
  // A connected stream socket whose other side is the pod's port.
  using Dial = std::function<cri::Answer<Fd>(uint16_t port)>;
  struct Terms {
    std::vector<uint16_t> ports;  // those that the request named; none: any
    kj::Duration idle;
    Dial dial;
  };

  // As Session::run.
  static kj::Promise<void> run(EventLoop loop, kj::Own<Wire> wire, kj::Own<Framing> framing,
                               std::string early, Terms terms);

  PortForward(EventLoop loop, kj::Own<Wire> wire, kj::Own<Framing> framing, Terms terms);

 private:
  struct Pair;

  // Receiver
  bool opened(StreamId stream, const StreamHeaders& headers) override;
  void received(StreamId stream, std::string_view bytes) override;
  void ended(StreamId stream) override;
  void dropped(StreamId stream) override;
  void taskFailed(kj::Exception&& exception) override;

  kj::Promise<void> serve(Pair& pair);
  kj::Promise<void> connect(Pair& pair, Outcome<Fd> socket);
  kj::Promise<void> fail(Pair& pair, const std::string& reason);
  void finish(Pair& pair);
  Pair* pairOf(StreamId stream);
  [[nodiscard]] size_t held() const;
  void wake();

  EventLoop loop_;
  const Terms terms_;
  Conversation client_;
  std::map<std::string, kj::Own<Pair>> pairs_;  // by request id
  kj::TaskSet tasks_;                           // of pairs that are served; last: dies first
};

// What a stream of this protocol says of itself; nothing if it is none.
struct ForwardHeaders {
  bool isError = false;
  uint16_t port = 0;
  std::string request;
};
std::optional<ForwardHeaders> readForwardHeaders(StreamId stream, const StreamHeaders& headers);

}  // namespace bulkhead::streaming
