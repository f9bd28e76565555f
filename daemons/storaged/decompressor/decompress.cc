#include "daemons/storaged/decompressor/decompress.h"

#include "daemons/storaged/decompressor/codecs.h"

namespace bulkhead::decompressor {
namespace {

Outcome<void> copy(ByteStream& stream) {
  while (true) {
    auto bytes = stream.next();
    if (!bytes) return tl::unexpected(bytes.error());
    if (bytes->empty()) return {};
    if (auto written = stream.write(*bytes); !written) return written;
  }
}

}  // namespace

Outcome<void> decompress(Codec codec, int input, int output, std::uint64_t maxBytes) {
  ByteStream stream(input, output, maxBytes);
  switch (codec) {
    case Codec::none:
      return copy(stream);
    case Codec::gzip:
      return gunzip(stream);
    case Codec::zstd:
      return unzstd(stream);
  }
  return refuse(Code::internal, "layer", "has an unknown codec");
}

}  // namespace bulkhead::decompressor
