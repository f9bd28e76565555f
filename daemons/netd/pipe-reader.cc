#include "daemons/netd/pipe-reader.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "daemons/common/base/descriptors.h"
#include "daemons/common/base/error.h"

namespace bulkhead::netd {
namespace {

// Reads in one turn of the event loop: as much as a pipe holds.
constexpr int chunksPerTurn = 4;
constexpr size_t chunkSize = 16384;

}  // namespace

PipeReader::PipeReader(kj::UnixEventPort& port, Fd pipe, size_t limit)
    : pipe_(nonBlocking(std::move(pipe))),
      limit_(limit),
      observer_(kj::heap<kj::UnixEventPort::FdObserver>(port, pipe_.get(),
                                                        kj::UnixEventPort::FdObserver::OBSERVE_READ)) {}

PipeReader::State PipeReader::readSome() {
  std::array<char, chunkSize> chunk{};
  if (overflowed_) return State::ended;
  for (int i = 0; i < chunksPerTurn; ++i) {
    ssize_t n = ::read(pipe_.get(), chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return State::drained;
    if (n < 0) throwErrno("read from a plugin");
    if (n == 0) return State::ended;
    size_t kept = std::min(static_cast<size_t>(n), limit_ - bytes_.size());
    bytes_.append(chunk.data(), kept);
    if (kept == static_cast<size_t>(n)) continue;
    overflowed_ = true;
    observer_ = nullptr;
    pipe_.reset();
    return State::ended;
  }
  return State::more;
}

kj::Promise<void> PipeReader::pump() {
  switch (readSome()) {
    case State::ended:
      return kj::READY_NOW;
    case State::more:
      return kj::evalLast([this]() { return pump(); });
    case State::drained:
      break;
  }
  return observer_->whenBecomesReadable().then([this]() { return pump(); });
}

std::string PipeReader::finish() {
  while (readSome() == State::more) {
  }
  return std::move(bytes_);
}

}  // namespace bulkhead::netd
