#include "daemons/cri-frontend/flows/output-drain.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "daemons/common/base/descriptors.h"

namespace bulkhead::cri {
namespace {

constexpr size_t pipeBytes = 64 * 1024;      // what a pipe holds (pipe(7))
constexpr size_t largestPipe = 1024 * 1024;  // and may hold after F_SETPIPE_SZ without privilege

}  // namespace

OutputDrain::OutputDrain(kj::UnixEventPort& port, Fd pipe, size_t limit)
    : pipe_(nonBlocking(std::move(pipe))),
      limit_(limit),
      observer_(port, pipe_.get(), kj::UnixEventPort::FdObserver::OBSERVE_READ) {}

// One pipe's worth at a time: a writer that never stops must not hold the loop.
OutputDrain::Got OutputDrain::readSome() {
  std::array<char, pipeBytes> buffer;
  ssize_t n = 0;
  while ((n = ::read(pipe_.get(), buffer.data(), buffer.size())) < 0 && errno == EINTR) {
  }
  if (n < 0) return errno == EAGAIN ? Got::nothingYet : Got::end;
  kept_.append(buffer.data(), std::min(static_cast<size_t>(n), limit_ - kept_.size()));
  return n == 0 ? Got::end : Got::data;
}

kj::Promise<void> OutputDrain::run() {
  switch (readSome()) {
    case Got::end:
      return kj::READY_NOW;
    case Got::data:
      return kj::evalLater([this]() { return run(); });
    case Got::nothingYet:
      break;
  }
  return observer_.whenBecomesReadable().then([this]() { return run(); });
}

std::string OutputDrain::finish() {
  for (size_t read = 0; read < largestPipe && readSome() == Got::data; read += pipeBytes) {
  }
  return std::move(kept_);
}

}  // namespace bulkhead::cri
