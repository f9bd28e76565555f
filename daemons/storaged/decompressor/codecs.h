// One function a codec: everything of `stream`, to its end.
#pragma once

#include "daemons/storaged/decompressor/byte-stream.h"

namespace bulkhead::decompressor {

// gzip (RFC 1952) with one or several members, headers and checksums verified, nothing behind the last.
Outcome<void> gunzip(ByteStream& stream);
// zstd (RFC 8878) with one or several frames, skippable ones skipped: so zstd:chunked is read as what its
// frames contain. Windows over 128 MiB are refused.
Outcome<void> unzstd(ByteStream& stream);

}  // namespace bulkhead::decompressor
