#include "daemons/shim/monitor/ear.h"

#include <sys/socket.h>

#include <cerrno>

namespace bulkhead::shim {
namespace {

// Beside what the socket itself holds.
constexpr size_t enoughWaiting = 64 * 1024;
constexpr size_t mostWaiting = 1024 * 1024;

}  // namespace

bool Ear::hear(std::string_view bytes) {
  if (broken_ || waiting_.size() + bytes.size() > mostWaiting) return false;
  bool draining = !waiting_.empty();
  waiting_.append(bytes);
  if (draining) return true;
  if (!flush()) return false;
  if (!waiting_.empty()) draining_ = drain().eagerlyEvaluate(nullptr);
  return true;
}

bool Ear::hasRoom() const {
  return waiting_.size() < enoughWaiting;
}

void Ear::finish() {
  finished_ = true;
  if (waiting_.empty()) (void)::shutdown(socket_.get(), SHUT_WR);
}

kj::Promise<void> Ear::drain() {
  return observer_.whenBecomesWritable().then([this]() -> kj::Promise<void> {
    if (!flush() || waiting_.empty()) return kj::READY_NOW;
    return drain();
  });
}

// The flags are given with each call: the other end of the description may be somebody else's to change.
bool Ear::flush() {
  size_t sent = 0;
  while (sent < waiting_.size()) {
    ssize_t size =
        ::send(socket_.get(), waiting_.data() + sent, waiting_.size() - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (size < 0 && errno == EINTR) continue;
    broken_ = size < 0 && errno != EAGAIN;
    if (size < 0) break;
    sent += static_cast<size_t>(size);
  }
  waiting_.erase(0, broken_ ? waiting_.size() : sent);
  if (waiting_.empty()) waiting_.shrink_to_fit();
  if (waiting_.empty() && finished_) (void)::shutdown(socket_.get(), SHUT_WR);
  return !broken_;
}

}  // namespace bulkhead::shim
