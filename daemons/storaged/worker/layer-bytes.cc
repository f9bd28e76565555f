#include "daemons/storaged/worker/layer-bytes.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "ipc/limits.h"

namespace bulkhead::worker {
namespace {

constexpr size_t bufferBytes = 256 * 1024;

}  // namespace

LayerBytes::LayerBytes(int input) : input_(input), buffer_(bufferBytes) {
  expectHeader();
}

bool LayerBytes::open(archive* reader) {
  return ::archive_read_open(reader, this, nullptr, &onRead, nullptr) == ARCHIVE_OK;
}

void LayerBytes::expectHeader() {
  allowed_ = limits::tarHeader;
}

void LayerBytes::expectAnything() {
  allowed_ = std::numeric_limits<std::uint64_t>::max();
}

la_ssize_t LayerBytes::onRead(archive* reader, void* context, const void** bytes) {
  auto& self = *static_cast<LayerBytes*>(context);
  self.exceeded_ = self.allowed_ == 0;
  ssize_t n = self.exceeded_ ? -1 : self.read();
  if (n < 0) {
    ::archive_set_error(reader, EIO, "cannot be read");
    return ARCHIVE_FATAL;
  }
  self.allowed_ -= std::min<std::uint64_t>(self.allowed_, static_cast<std::uint64_t>(n));
  *bytes = self.buffer_.data();
  return n;
}

ssize_t LayerBytes::read() {
  ssize_t n = 0;
  while ((n = ::read(input_, buffer_.data(), buffer_.size())) < 0 && errno == EINTR) {
  }
  return n;
}

Outcome<void> LayerBytes::drain(std::uint64_t limit) {
  for (std::uint64_t total = 0; true;) {
    ssize_t n = read();
    if (n < 0) return invalid("layer", "cannot be read");
    if (n == 0) return {};
    total += static_cast<std::uint64_t>(n);
    if (total > limit) return refuse(Code::resourceExhausted, "layer", "is larger than allowed");
  }
}

}  // namespace bulkhead::worker
