#include "daemons/cri-frontend/streaming/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "daemons/common/base/descriptors.h"
#include "daemons/common/base/log.h"
#include "daemons/common/base/sockets.h"
#include "daemons/cri-frontend/streaming/spdy-framing.h"
#include "daemons/cri-frontend/streaming/websocket-framing.h"

namespace bulkhead::streaming {
namespace {

constexpr int firstWithCloseSignal = 5;

std::string hostOf(int listener) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) throwErrno("getsockname");
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET6) {
    const auto& six = reinterpret_cast<const sockaddr_in6&>(address);
    (void)::inet_ntop(AF_INET6, &six.sin6_addr, text.data(), text.size());
    return "[" + std::string(text.data()) + "]:" + std::to_string(ntohs(six.sin6_port));
  }
  const auto& four = reinterpret_cast<const sockaddr_in&>(address);
  (void)::inet_ntop(AF_INET, &four.sin_addr, text.data(), text.size());
  return std::string(text.data()) + ":" + std::to_string(ntohs(four.sin_port));
}

std::string_view pathOf(Kind kind) {
  switch (kind) {
    case Kind::exec:
      return "/exec/";
    case Kind::attach:
      return "/attach/";
    case Kind::portForward:
      break;
  }
  return "/portforward/";
}

kj::Exception left() {
  return {kj::Exception::Type::DISCONNECTED, __FILE__, __LINE__, kj::str("left without a request")};
}

std::vector<std::string> acceptedFor(const Upgrade& upgrade, bool forwards) {
  if (upgrade.transport != Transport::spdy) return {};
  return forwards ? std::vector<std::string>{forwarding} : spdyProtocols();
}

kj::Own<Framing> framingFor(const Upgrade& upgrade, const Protocol& protocol) {
  if (upgrade.transport == Transport::spdy) return kj::heap<SpdyFraming>();
  return kj::heap<WebSocketFraming>(
      WebSocketFraming::Kind{protocol.base64, protocol.version >= firstWithCloseSignal});
}

}  // namespace

// One connection, from its first byte.
class Server::Visit {
 public:
  Visit(Server& server, Fd connection)
      : server_(server), wire_(kj::heap<Wire>(server.loop_.port, std::move(connection), server.tlsOrNone())) {
    server_.strangers_.push_back(this);
    place_ = std::prev(server_.strangers_.end());
  }
  ~Visit() {
    noStranger();
    if (isSession_) --server_.sessions_;
  }

  kj::Promise<void> run() {
    auto introduced = server_.loop_.timer.timeoutAfter(limits::headTime, canceler_.wrap(meet()));
    return introduced.then([this](size_t length) { return answer(length); });
  }
  // While it is a stranger: before its request, or after a refused one.
  void turnAway() {
    noStranger();
    canceler_.cancel("others came");
  }

 private:
  void noStranger() {
    if (isStranger_) server_.strangers_.erase(place_);
    isStranger_ = false;
  }

  kj::Promise<size_t> meet() {
    return wire_->begin().then([this]() { return readHead(); });
  }

  // How long the head is; 0: there is none.
  kj::Promise<size_t> readHead() {
    if (size_t length = headLength(bytes_); length > 0 || bytes_.size() > limits::head) return length;
    return wire_->read().then([this](std::string&& more) -> kj::Promise<size_t> {
      if (more.empty()) return left();
      bytes_ += more;
      return readHead();
    });
  }

  kj::Promise<void> answer(size_t length) {
    if (length == 0 || length > limits::head) return refuse(431);
    auto upgrade = parseHead(std::string_view(bytes_).substr(0, length));
    bytes_.erase(0, length);
    if (!upgrade) return refuse(upgrade.error());
    auto offer = claim(upgrade->path);
    if (!offer) return refuse(404);
    bool forwards = offer->kind == Kind::portForward;
    auto protocol = forwards ? chooseForwarding(*upgrade) : chooseProtocol(*upgrade);
    if (!protocol) return refuse(403, acceptedFor(*upgrade, forwards));
    if (server_.sessions_ >= limits::sessions) return refuse(429);
    return serve(*upgrade, *protocol, std::move(*offer));
  }

  // Whatever it was brought for, a token is used up.
  std::optional<Offer> claim(std::string_view path) {
    auto offer = server_.tokens_.take(path.substr(path.rfind('/') + 1), server_.loop_.timer.now());
    if (offer && !path.starts_with(pathOf(offer->kind))) offer.reset();
    return offer;
  }

  kj::Promise<void> serve(const Upgrade& upgrade, const Protocol& protocol, Offer offer) {
    noStranger();
    ++server_.sessions_;
    isSession_ = true;
    auto framing = framingFor(upgrade, protocol);
    framing->output() = acceptance(upgrade, protocol.name);
    if (offer.kind == Kind::portForward) {
      return PortForward::run(server_.loop_, kj::mv(wire_), kj::mv(framing), std::move(bytes_),
                              {std::move(offer.ports), server_.idle_, std::move(offer.dial)});
    }
    return Session::run(server_.loop_, kj::mv(wire_), kj::mv(framing), std::move(bytes_),
                        {offer.wanted, protocol, server_.idle_, std::move(offer.start)});
  }

  kj::Promise<void> refuse(int status, const std::vector<std::string>& accepted = {}) {
    auto said = wire_->write(refusal(status, accepted)).then([this]() {
      wire_->endWriting();
      return readOut();
    });
    return canceler_.wrap(said.exclusiveJoin(server_.loop_.timer.afterDelay(limits::goodbye)));
  }

  // What it has sent beyond the head would otherwise cost it the answer.
  kj::Promise<void> readOut() {
    return wire_->read().then([this](std::string&& more) -> kj::Promise<void> {
      if (more.empty()) return kj::READY_NOW;
      return kj::evalLater([this]() { return readOut(); });
    });
  }

  Server& server_;
  kj::Own<Wire> wire_;
  std::string bytes_;
  bool isStranger_ = true;
  bool isSession_ = false;
  std::list<Visit*>::iterator place_;
  kj::Canceler canceler_;
};

Server::Server(EventLoop loop, Fd listener, kj::Duration idle, std::optional<Tls> tls)
    : loop_(loop),
      listener_(nonBlocking(std::move(listener))),
      observer_(loop.port, listener_.get(), kj::UnixEventPort::FdObserver::OBSERVE_READ),
      tls_(std::move(tls)),
      origin_((tls_ ? "https://" : "http://") + hostOf(listener_.get())),
      idle_(idle),
      visits_(*this) {}

Outcome<std::string> Server::offer(Offer offer) {
  std::string path(pathOf(offer.kind));
  auto token = tokens_.give(std::move(offer), loop_.timer.now());
  if (!token) return refuse(Code::resourceExhausted, "", "too many streaming URLs are waiting to be used");
  return origin_ + path + *token;
}

kj::Promise<void> Server::run() {
  while (Fd connection = acceptOn(listener_.get())) admit(std::move(connection));
  if (errno == EAGAIN) return observer_.whenBecomesReadable().then([this]() { return run(); });
  // Out of descriptors or memory: who waits in the backlog makes no new edge, so ask again by the clock.
  log::warning("streaming: accept failed", {{"error", errnoText(errno)}});
  return loop_.timer.afterDelay(1 * kj::SECONDS).then([this]() { return run(); });
}

void Server::admit(Fd connection) {
  if (strangers_.size() >= limits::strangers) strangers_.front()->turnAway();
  auto visit = kj::heap<Visit>(*this, std::move(connection));
  auto& self = *visit;
  visits_.add(self.run().attach(kj::mv(visit)));
}

std::optional<TlsSession> Server::tlsOrNone() {
  if (!tls_) return std::nullopt;
  return tls_->accept();
}

// A client that left, or one that was too slow.
void Server::taskFailed(kj::Exception&& exception) {
  log::debug("streaming: a connection ended", {{"reason", exception.getDescription().cStr()}});
}

}  // namespace bulkhead::streaming
