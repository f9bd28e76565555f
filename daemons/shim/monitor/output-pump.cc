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
constexpr size_t terminalHolds = 64 * 1024;  // drivers/tty/tty_buffer.c, TTYB_DEFAULT_MEM_LIMIT

}  // namespace

OutputPump::OutputPump(kj::UnixEventPort& port, Fd pipe, Stream stream, LogWriter& log, Audience& audience)
    : pipe_(nonBlocking(std::move(pipe))),
      stream_(stream),
      log_(log),
      audience_(audience),
      observer_(port, pipe_.get(), kj::UnixEventPort::FdObserver::OBSERVE_READ) {}

kj::Promise<void> OutputPump::run() {
  if (!audience_.keepsUp()) return audience_.aMoment().then([this] { return run(); });
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
  int held = ::fcntl(pipe_.get(), F_GETPIPE_SZ);
  if (!ended_) (void)drain(held > 0 ? static_cast<size_t>(held) : terminalHolds);
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
      std::string_view bytes(buffer.data(), static_cast<size_t>(size));
      log_.append(stream_, bytes, wallClock());
      audience_.hear(stream_, bytes);
      continue;
    }
    // An end of file; EIO: nobody holds the terminal any more.
    log_.finish(stream_, wallClock());
    ended_ = true;
  }
  return ended_ ? Found::end : Found::more;
}

}  // namespace bulkhead::shim
