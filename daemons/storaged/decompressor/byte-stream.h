// The two ends of a decompressor: compressed bytes in, plain ones out, the latter counted.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "daemons/common/base/error.h"

namespace bulkhead::decompressor {

class ByteStream {
 public:
  // Both ends are borrowed. At most `maxBytes` go out.
  ByteStream(int input, int output, std::uint64_t maxBytes);

  // The next bytes, good until the next call; empty at end of file. Refuses internal.
  Outcome<std::span<unsigned char>> next();
  // Where to put plain bytes before they are written.
  std::span<unsigned char> room() { return out_; }
  // Refuses resourceExhausted (over the limit), internal (the reader is gone).
  Outcome<void> write(std::span<const unsigned char> bytes);

 private:
  int input_;
  int output_;
  std::uint64_t left_;
  std::vector<unsigned char> in_;
  std::vector<unsigned char> out_;
};

// What is wrong with the layer's bytes.
tl::unexpected<Refusal> broken(const char* reason);

}  // namespace bulkhead::decompressor
