// The decompressor: bytes in, bytes out, nothing kept.
#pragma once

#include <cstdint>

#include "daemons/common/base/error.h"

namespace bulkhead::worker {

enum class Codec { none, gzip, zstd };

// Copies `input` to `output`, both pipes, until end of file. gzip may have several members (RFC 1952, 2.2),
// zstd several and skippable frames (RFC 8878, 3.1); windows over 128 MiB are refused. Refusals:
// invalidArgument (not that codec, truncated, something behind the end), resourceExhausted (more than
// `maxBytes` come out).
Outcome<void> decompress(Codec codec, int input, int output, std::uint64_t maxBytes);

}  // namespace bulkhead::worker
