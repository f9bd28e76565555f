#include "daemons/shim/monitor/output-pump.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "daemons/common/base/error.h"
#include "daemons/shim/record/exit-record.h"

namespace bulkhead::shim {
namespace {

int makeNonBlocking(int fd) {
  if (::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK) != 0) throwErrno("fcntl O_NONBLOCK");
  return fd;
}

}  // namespace

OutputPump::OutputPump(kj::UnixEventPort& port, Fd pipe, Stream stream, LogWriter& log)
    : pipe_(std::move(pipe)),
      stream_(stream),
      log_(log),
      observer_(port, makeNonBlocking(pipe_.get()), kj::UnixEventPort::FdObserver::OBSERVE_READ) {}

kj::Promise<void> OutputPump::run() {
  if (drain()) return kj::READY_NOW;
  return observer_.whenBecomesReadable().then([this] { return run(); });
}

void OutputPump::finish() {
  if (!ended_) (void)drain();
  if (!ended_) log_.finish(stream_, wallClock());
  ended_ = true;
}

// True at end of file. Bounded, so that one stream does not starve the other.
bool OutputPump::drain() {
  std::array<char, 32768> buffer;  // NOLINT: filled by read
  while (!ended_) {
    ssize_t size = ::read(pipe_.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return false;
    if (size > 0) {
      log_.append(stream_, {buffer.data(), static_cast<size_t>(size)}, wallClock());
      continue;
    }
    log_.finish(stream_, wallClock());
    ended_ = true;
  }
  return true;
}

}  // namespace bulkhead::shim
