#include "daemons/storaged/decompressor/byte-stream.h"

#include <unistd.h>

#include <cerrno>
#include <string>

#include "daemons/common/base/io.h"

namespace bulkhead::decompressor {
namespace {

// Both stay in the second-level cache.
constexpr size_t bufferBytes = 256 * 1024;

}  // namespace

ByteStream::ByteStream(int input, int output, std::uint64_t maxBytes)
    : input_(input), output_(output), left_(maxBytes), in_(bufferBytes), out_(bufferBytes) {}

Outcome<std::span<unsigned char>> ByteStream::next() {
  ssize_t n = 0;
  while ((n = ::read(input_, in_.data(), in_.size())) < 0 && errno == EINTR) {
  }
  if (n < 0) return refuse(Code::internal, "layer", "cannot be read: " + errnoText(errno));
  return std::span(in_.data(), static_cast<size_t>(n));
}

Outcome<void> ByteStream::write(std::span<const unsigned char> bytes) {
  if (bytes.size() > left_) return refuse(Code::resourceExhausted, "layer", "is larger than allowed");
  left_ -= bytes.size();
  if (writeAll(output_, {reinterpret_cast<const char*>(bytes.data()), bytes.size()})) return {};
  return refuse(Code::internal, "layer", "cannot be passed on: " + errnoText(errno));
}

tl::unexpected<Refusal> broken(const char* reason) {
  return invalid("layer", reason);
}

}  // namespace bulkhead::decompressor
