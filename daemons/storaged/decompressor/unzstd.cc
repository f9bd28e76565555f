#include <zstd.h>

#include <memory>

#include "daemons/storaged/decompressor/codecs.h"

namespace bulkhead::decompressor {
namespace {

constexpr int windowLog = 27;  // 128 MiB, what zstd(1) itself accepts without --long

struct FreeZstd {
  void operator()(ZSTD_DStream* state) const { ZSTD_freeDStream(state); }
};

}  // namespace

Outcome<void> unzstd(ByteStream& stream) {
  std::unique_ptr<ZSTD_DStream, FreeZstd> state(ZSTD_createDStream());
  if (!state || ZSTD_isError(ZSTD_DCtx_setParameter(state.get(), ZSTD_d_windowLogMax, windowLog)) != 0) {
    return refuse(Code::internal, "layer", "zstd does not start");
  }
  size_t wanted = 1;  // 0: at the end of a frame
  bool any = false;
  while (true) {
    auto bytes = stream.next();
    if (!bytes) return tl::unexpected(bytes.error());
    if (bytes->empty()) break;
    any = true;
    ZSTD_inBuffer in{bytes->data(), bytes->size(), 0};
    bool full = false;
    while (in.pos < in.size || full) {
      ZSTD_outBuffer out{stream.room().data(), stream.room().size(), 0};
      wanted = ZSTD_decompressStream(state.get(), &out, &in);
      if (ZSTD_isError(wanted) != 0) return broken("is not valid zstd");
      if (auto written = stream.write(stream.room().first(out.pos)); !written) return written;
      full = out.pos == out.size && wanted != 0;
    }
  }
  if (!any) return broken("is empty");
  if (wanted != 0) return broken("is a truncated zstd stream");
  return {};
}

}  // namespace bulkhead::decompressor
