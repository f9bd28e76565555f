// Server: the listener of exec, attach and port-forward. Hands out URLs, and lets in who brings one.
#pragma once

#include <kj/async-unix.h>

#include <list>
#include <optional>
#include <string>

#include "daemons/common/base/error.h"
#include "daemons/cri-frontend/streaming/port-forward.h"
#include "daemons/cri-frontend/streaming/session.h"
#include "daemons/cri-frontend/streaming/tls.h"
#include "daemons/cri-frontend/streaming/tokens.h"

namespace bulkhead::streaming {

enum class Kind { exec, attach, portForward };

// What a URL is for, and nothing else.
struct Offer {
  Kind kind = Kind::exec;
  Wanted wanted;                  // of exec and attach
  Session::Start start;           // likewise
  std::vector<uint16_t> ports{};  // of portForward: none: any
  PortForward::Dial dial{};       // likewise
};

class Server final : private kj::TaskSet::ErrorHandler {
 public:
  // Takes a listening TCP socket. `idle`: a session without a byte for so long is ended. Without `tls` it is
  // plain HTTP.
  Server(EventLoop loop, Fd listener, kj::Duration idle, std::optional<Tls> tls = std::nullopt);

  // "http://127.0.0.1:40123/exec/TOKEN", or "https://…": good once, for a minute. resourceExhausted if too
  // many are out.
  Outcome<std::string> offer(Offer offer);
  // Accepts and serves for ever.
  kj::Promise<void> run();

  [[nodiscard]] size_t sessions() const { return sessions_; }

 private:
  class Visit;

  void admit(Fd connection);
  std::optional<TlsSession> tlsOrNone();
  void taskFailed(kj::Exception&& exception) override;

  EventLoop loop_;
  Fd listener_;
  kj::UnixEventPort::FdObserver observer_;
  std::optional<Tls> tls_;
  const std::string origin_;  // "http://127.0.0.1:40123"
  const kj::Duration idle_;
  Tokens<Offer> tokens_;
  size_t sessions_ = 0;
  std::list<Visit*> strangers_;  // connections without a token, the oldest first
  kj::TaskSet visits_;           // last: dies first
};

}  // namespace bulkhead::streaming
