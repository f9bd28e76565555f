#include "daemons/shim/monitor/output-pump.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "daemons/common/base/descriptors.h"
#include "daemons/shim/record/exit-record.h"

namespace bulkhead::shim {
namespace {

// A writer that never pauses must not keep the other stream, the reaper and the socket waiting.
constexpr size_t turn = 256 * 1024;

}  // namespace

OutputPump::OutputPump(kj::UnixEventPort& port, Fd pipe, Stream stream, LogWriter& log)
    : pipe_(nonBlocking(std::move(pipe))),
      stream_(stream),
      log_(log),
      observer_(port, pipe_.get(), kj::UnixEventPort::FdObserver::OBSERVE_READ) {}

kj::Promise<void> OutputPump::run() {
  switch (drain(turn)) {
    case Found::end:
      return kj::READY_NOW;
    case Found::more:
      return kj::evalLater([this] { return run(); });
    case Found::nothing:
      break;
  }
  return observer_.whenBecomesReadable().then([this] { return run(); });
}

void OutputPump::finish() {
  if (!ended_) (void)drain(static_cast<size_t>(std::max(::fcntl(pipe_.get(), F_GETPIPE_SZ), 0)));
  if (!ended_) log_.finish(stream_, wallClock());
  ended_ = true;
}

OutputPump::Found OutputPump::drain(size_t limit) {
  std::array<char, 32768> buffer;  // NOLINT: filled by read
  for (size_t total = 0; !ended_ && total < limit;) {
    ssize_t size = ::read(pipe_.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return Found::nothing;
    if (size > 0) {
      total += static_cast<size_t>(size);
      log_.append(stream_, {buffer.data(), static_cast<size_t>(size)}, wallClock());
      continue;
    }
    log_.finish(stream_, wallClock());
    ended_ = true;
  }
  return ended_ ? Found::end : Found::more;
}

}  // namespace bulkhead::shim
