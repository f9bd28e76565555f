#include "daemons/shim/monitor/attached-client.h"

#include <kj/debug.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace bulkhead::shim {

AttachedClient::AttachedClient(kj::UnixEventPort& port, Sockets sockets, ContainerInput& input,
                               bool endsInput)
    : sockets_(std::move(sockets)), input_(input), endsInput_(endsInput) {
  if (sockets_.in) inObserver_.emplace(port, sockets_.in.get(), Observer::OBSERVE_READ);
  if (sockets_.out) outputs_[0].emplace(port, sockets_.out);
  if (sockets_.err) outputs_[1].emplace(port, sockets_.err);
}

kj::Promise<void> AttachedClient::run() {
  auto over = kj::mv(left_.promise);
  if (sockets_.in) over = over.exclusiveJoin(listen());
  for (auto& each : outputs_) {
    KJ_IF_MAYBE (output, each) over = over.exclusiveJoin(kj::mv(output->closed));
  }
  return over.then([this]() { takeLastWords(); });
}

void AttachedClient::hear(Stream stream, std::string_view bytes) {
  KJ_IF_MAYBE (output, outputs_[static_cast<size_t>(stream)]) {
    if (!cutOff_ && !output->ear.hear(bytes)) cutOff();
  }
}

bool AttachedClient::hasRoom() const {
  for (const auto& each : outputs_) {
    KJ_IF_MAYBE (output, each) {
      if (!output->ear.hasRoom()) return false;
    }
  }
  return true;
}

bool AttachedClient::keepsUp(kj::TimePoint now, kj::Duration patience) {
  if (cutOff_) return true;
  if (hasRoom()) {
    slowSince_ = nullptr;
    return true;
  }
  KJ_IF_MAYBE (since, slowSince_) {
    if (now - *since > patience) cutOff();
  } else {
    slowSince_ = now;
  }
  return cutOff_;
}

void AttachedClient::cutOff() {
  cutOff_ = true;
  left_.fulfiller->fulfill();
}

void AttachedClient::finish() {
  for (auto& each : outputs_) {
    KJ_IF_MAYBE (output, each) output->ear.finish();
  }
}

// One piece a turn, and only when the container has taken the last one.
kj::Promise<void> AttachedClient::listen() {
  if (!input_.hasRoom()) return input_.whenRoom().then([this]() { return listen(); });
  switch (takePiece()) {
    case Taken::nothing:
      return KJ_ASSERT_NONNULL(inObserver_).whenBecomesReadable().then([this]() { return listen(); });
    case Taken::end:
      return inputEnded();
    case Taken::some:
      break;
  }
  return kj::evalLater([this]() { return listen(); });
}

AttachedClient::Taken AttachedClient::takePiece() {
  std::array<char, 16384> piece;  // NOLINT: filled by recv
  ssize_t size = ::recv(sockets_.in.get(), piece.data(), piece.size(), MSG_DONTWAIT);
  if (size < 0 && errno == EAGAIN) return Taken::nothing;
  if (size <= 0) return Taken::end;
  input_.write({piece.data(), static_cast<size_t>(size)});
  return Taken::some;
}

// Who closes everything at once was heard to the end, if the container takes it.
void AttachedClient::takeLastWords() {
  if (cutOff_ || !sockets_.in) return;
  Taken last = Taken::some;
  while (input_.hasRoom() && last == Taken::some) last = takePiece();
  if (endsInput_) input_.close();
}

// It may go on listening.
kj::Promise<void> AttachedClient::inputEnded() {
  if (endsInput_) input_.close();
  bool listens = sockets_.out || sockets_.err;
  return listens ? kj::Promise<void>(kj::NEVER_DONE) : kj::Promise<void>(kj::READY_NOW);
}

}  // namespace bulkhead::shim
