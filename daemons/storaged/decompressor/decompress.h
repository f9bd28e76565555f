// The decompressor: bytes in, bytes out, nothing kept.
#pragma once

#include <cstdint>

#include "daemons/common/base/error.h"
#include "daemons/storaged/worker/options.h"

namespace bulkhead::decompressor {

using worker::Codec;

// Copies `input` to `output`, both pipes, until end of file. Refusals: invalidArgument (not that codec,
// truncated, something behind the end), resourceExhausted (more than `maxBytes` come out).
Outcome<void> decompress(Codec codec, int input, int output, std::uint64_t maxBytes);

}  // namespace bulkhead::decompressor
