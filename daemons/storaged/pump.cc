#include "daemons/storaged/pump.h"

#include <unistd.h>

#include <cerrno>

#include "daemons/common/base/descriptors.h"
#include "daemons/common/base/error.h"

namespace bulkhead::storaged {
namespace {

// Large enough to make system calls cheap beside SHA-256, small enough to stay in the second-level cache
// between the read, the hash and the write.
constexpr size_t bufferBytes = 256 * 1024;
constexpr int turnsPerAdvance = 4;

}  // namespace

Pump::Pump(Fd source, Fd sink, std::uint64_t limit)
    : source_(nonBlocking(std::move(source))),
      sink_(nonBlocking(std::move(sink))),
      limit_(limit),
      buffer_(bufferBytes) {}

pollfd Pump::waitsFor() const {
  if (ended_) return {-1, 0, 0};
  if (pending_.empty()) return {source_.get(), POLLIN, 0};
  return {sink_.get(), POLLOUT, 0};
}

void Pump::advance() {
  for (int turn = 0; turn < turnsPerAdvance && !ended_; ++turn) {
    if (pending_.empty() && !fill()) return;
    if (!pending_.empty() && !drain()) return;
  }
}

bool Pump::fill() {
  ssize_t n = ::read(source_.get(), buffer_.data(), buffer_.size());
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (n < 0) throwErrno("read a layer");
  if (n == 0) {
    end();
    return true;
  }
  auto size = static_cast<size_t>(n);
  if (size > limit_ - hash_.count()) {
    overLimit_ = true;
    end();
    return true;
  }
  hash_.update({buffer_.data(), size});
  if (!sinkLost_) pending_ = {buffer_.data(), size};
  return true;
}

bool Pump::drain() {
  ssize_t n = ::write(sink_.get(), pending_.data(), pending_.size());
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (n < 0 && errno != EPIPE) throwErrno("pass a layer on");
  if (n < 0) {
    sinkLost_ = true;
    sink_.reset();
    pending_ = {};
    return true;
  }
  pending_.remove_prefix(static_cast<size_t>(n));
  return pending_.empty();
}

void Pump::end() {
  ended_ = true;
  source_.reset();
  sink_.reset();  // the worker's end of input
}

}  // namespace bulkhead::storaged
