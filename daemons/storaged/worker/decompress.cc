#include "daemons/storaged/worker/decompress.h"

#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cerrno>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "daemons/common/base/io.h"

namespace bulkhead::worker {
namespace {

constexpr size_t bufferBytes = 256 * 1024;
constexpr int gzipOnly = 16 + MAX_WBITS;  // zlib.h, inflateInit2: +16 expects a gzip header
constexpr int windowLog = 27;             // 128 MiB, what zstd(1) itself accepts without --long

tl::unexpected<Refusal> broken(const char* reason) {
  return invalid("layer", reason);
}

// The two ends, with the count of what went out.
class Stream {
 public:
  Stream(int input, int output, std::uint64_t maxBytes)
      : input_(input), output_(output), left_(maxBytes), in_(bufferBytes), out_(bufferBytes) {}

  // The next bytes; empty at end of file.
  Outcome<std::span<unsigned char>> next() {
    ssize_t n = 0;
    while ((n = ::read(input_, in_.data(), in_.size())) < 0 && errno == EINTR) {
    }
    if (n < 0) return refuse(Code::internal, "layer", "cannot be read: " + errnoText(errno));
    return std::span(in_.data(), static_cast<size_t>(n));
  }

  std::span<unsigned char> room() { return out_; }

  Outcome<void> write(std::span<const unsigned char> bytes) {
    if (bytes.size() > left_) return refuse(Code::resourceExhausted, "layer", "is larger than allowed");
    left_ -= bytes.size();
    if (writeAll(output_, {reinterpret_cast<const char*>(bytes.data()), bytes.size()})) return {};
    return refuse(Code::internal, "layer", "cannot be passed on: " + errnoText(errno));
  }

 private:
  int input_;
  int output_;
  std::uint64_t left_;
  std::vector<unsigned char> in_;
  std::vector<unsigned char> out_;
};

Outcome<void> copy(Stream& stream) {
  while (true) {
    auto bytes = stream.next();
    if (!bytes) return tl::unexpected(bytes.error());
    if (bytes->empty()) return {};
    if (auto written = stream.write(*bytes); !written) return written;
  }
}

struct EndInflate {
  void operator()(z_stream* state) const {
    (void)::inflateEnd(state);
    delete state;
  }
};

Outcome<void> inflateAll(Stream& stream) {
  std::unique_ptr<z_stream, EndInflate> state(new z_stream{});
  if (::inflateInit2(state.get(), gzipOnly) != Z_OK)
    return refuse(Code::internal, "layer", "zlib does not start");
  bool ended = true;  // between two members: the only place to stop
  bool any = false;
  while (true) {
    auto bytes = stream.next();
    if (!bytes) return tl::unexpected(bytes.error());
    if (bytes->empty()) break;
    state->next_in = bytes->data();
    state->avail_in = static_cast<uInt>(bytes->size());
    bool full = false;  // output may be pending though the input is used up
    while (state->avail_in > 0 || full) {
      if (ended && state->avail_in > 0 && any && ::inflateReset(state.get()) != Z_OK)
        return broken("is not gzip");
      state->next_out = stream.room().data();
      state->avail_out = static_cast<uInt>(stream.room().size());
      int status = ::inflate(state.get(), Z_NO_FLUSH);
      if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) {
        return broken(any && ended ? "has something behind the end of its gzip stream" : "is not valid gzip");
      }
      auto written = stream.write(stream.room().first(stream.room().size() - state->avail_out));
      if (!written) return written;
      full = state->avail_out == 0 && status == Z_OK;
      ended = status == Z_STREAM_END;
      any = true;
    }
  }
  if (!any) return broken("is empty");
  if (!ended) return broken("is a truncated gzip stream");
  return {};
}

struct FreeZstd {
  void operator()(ZSTD_DStream* state) const { ZSTD_freeDStream(state); }
};

Outcome<void> unzstdAll(Stream& stream) {
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

}  // namespace

Outcome<void> decompress(Codec codec, int input, int output, std::uint64_t maxBytes) {
  Stream stream(input, output, maxBytes);
  switch (codec) {
    case Codec::none:
      return copy(stream);
    case Codec::gzip:
      return inflateAll(stream);
    case Codec::zstd:
      return unzstdAll(stream);
  }
  return refuse(Code::internal, "layer", "has an unknown codec");
}

}  // namespace bulkhead::worker
