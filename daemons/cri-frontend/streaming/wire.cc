#include "daemons/cri-frontend/streaming/wire.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "daemons/common/base/descriptors.h"
#include "daemons/cri-frontend/streaming/limits.h"

namespace bulkhead::streaming {
namespace {

// A peer that is not there any more is noticed; small frames are not held back for each other. Neither
// matters enough to fail for.
Fd prepared(Fd socket) {
  int on = 1;
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  (void)::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return nonBlocking(std::move(socket));
}

bool hasHungUp(int socket) {
  pollfd state{socket, POLLRDHUP, 0};
  return ::poll(&state, 1, 0) > 0 && (state.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

}  // namespace

Wire::Wire(kj::UnixEventPort& port, Fd socket, std::optional<TlsSession> tls)
    : socket_(prepared(std::move(socket))),
      tls_(std::move(tls)),
      observer_(port, socket_.get(), kj::UnixEventPort::FdObserver::OBSERVE_READ_WRITE) {
  if (tls_) tls_->on(socket_.get());
}

kj::Promise<void> Wire::begin() {
  switch (tls_ ? tls_->handshake() : TlsSession::Step::done) {
    case TlsSession::Step::done:
      return kj::READY_NOW;
    case TlsSession::Step::whenReadable:
      return observer_.whenBecomesReadable().then([this]() { return begin(); });
    case TlsSession::Step::whenWritable:
      return observer_.whenBecomesWritable().then([this]() { return begin(); });
    case TlsSession::Step::failed:
      break;
  }
  return kj::Exception(kj::Exception::Type::DISCONNECTED, __FILE__, __LINE__, kj::str("no TLS handshake"));
}

ssize_t Wire::receive(char* buffer, size_t size) {
  return tls_ ? tls_->receive(buffer, size) : ::recv(socket_.get(), buffer, size, 0);
}

ssize_t Wire::transmit(const char* bytes, size_t size) {
  return tls_ ? tls_->transmit(bytes, size) : ::send(socket_.get(), bytes, size, MSG_NOSIGNAL);
}

kj::Promise<std::string> Wire::read() {
  std::array<char, limits::oneRead> buffer;
  ssize_t n = 0;
  while ((n = receive(buffer.data(), buffer.size())) < 0 && errno == EINTR) {
  }
  if (n >= 0) return std::string(buffer.data(), static_cast<size_t>(n));
  if (errno != EAGAIN) return std::string();
  return observer_.whenBecomesReadable().then([this]() { return read(); });
}

kj::Promise<bool> Wire::gone() {
  if (hasHungUp(socket_.get())) return true;
  return observer_.whenBecomesReadable().then([this]() { return hasHungUp(socket_.get()); });
}

kj::Promise<void> Wire::write(std::string bytes) {
  auto sending = kj::heap<Sending>(Sending{std::move(bytes)});
  auto& rest = *sending;
  return writeRest(rest).attach(kj::mv(sending));
}

kj::Promise<void> Wire::writeRest(Sending& sending) {
  while (sending.done < sending.bytes.size()) {
    ssize_t n = transmit(sending.bytes.data() + sending.done, sending.bytes.size() - sending.done);
    if (n >= 0) {
      sending.done += static_cast<size_t>(n);
    } else if (errno == EAGAIN) {
      return observer_.whenBecomesWritable().then([this, &sending]() { return writeRest(sending); });
    } else if (errno != EINTR) {
      return kj::Exception(kj::Exception::Type::DISCONNECTED, __FILE__, __LINE__, kj::str("client is gone"));
    }
  }
  return kj::READY_NOW;
}

void Wire::endWriting() {
  if (tls_) tls_->endWriting();
  (void)::shutdown(socket_.get(), SHUT_WR);
}

}  // namespace bulkhead::streaming
