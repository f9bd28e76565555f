#include <isa-l/igzip_lib.h>

#include <memory>

#include "daemons/storaged/decompressor/codecs.h"

namespace bulkhead::decompressor {
namespace {

// ISA-L's inflate, from member to member.
class Members {
 public:
  explicit Members(ByteStream& stream) : stream_(stream), state_(std::make_unique<inflate_state>()) {
    ::isal_inflate_init(state_.get());
    startMember();
  }

  Outcome<void> feed(std::span<unsigned char> bytes) {
    any_ = true;
    state_->next_in = bytes.data();
    state_->avail_in = static_cast<uint32_t>(bytes.size());
    bool full = false;  // output may be pending though the input is used up
    while (state_->avail_in > 0 || full) {
      if (ended()) startMember();
      if (!headerRead_) {
        if (auto read = readHeader(); !read) return read;
        if (!headerRead_) return {};
      }
      state_->next_out = stream_.room().data();
      state_->avail_out = static_cast<uint32_t>(stream_.room().size());
      if (::isal_inflate(state_.get()) != ISAL_DECOMP_OK) {
        return broken("is not valid gzip");
      }
      full = state_->avail_out == 0 && !ended();
      auto written = stream_.write(stream_.room().first(stream_.room().size() - state_->avail_out));
      if (!written) return written;
      later_ = later_ || ended();
    }
    return {};
  }

  Outcome<void> end() const {
    if (!any_) return broken("is empty");
    if (!ended()) return broken("is a truncated gzip stream");
    return {};
  }

 private:
  // Only when the checksum was verified and everything was put out.
  [[nodiscard]] bool ended() const { return state_->block_state == ISAL_BLOCK_FINISH; }

  // Keeps next_in and avail_in: the member begins where the last one ended.
  void startMember() {
    ::isal_inflate_reset(state_.get());
    state_->crc_flag = ISAL_GZIP_NO_HDR_VER;
    ::isal_gzip_header_init(&header_);
    headerRead_ = false;
  }

  // By ourselves: isal_inflate() forgets a header's flags when the header comes in two pieces.
  Outcome<void> readHeader() {
    int status = ::isal_read_gzip_header(state_.get(), &header_);
    headerRead_ = status == ISAL_DECOMP_OK;
    if (headerRead_ || status == ISAL_END_INPUT) return {};
    return broken(later_ ? "has something behind the end of its gzip stream" : "is not valid gzip");
  }

  ByteStream& stream_;
  std::unique_ptr<inflate_state> state_;
  isal_gzip_header header_{};
  bool headerRead_ = false;
  bool any_ = false;
  bool later_ = false;  // a whole member lies behind us
};

}  // namespace

Outcome<void> gunzip(ByteStream& stream) {
  Members members(stream);
  while (true) {
    auto bytes = stream.next();
    if (!bytes) return tl::unexpected(bytes.error());
    if (bytes->empty()) return members.end();
    if (auto fed = members.feed(*bytes); !fed) return fed;
  }
}

}  // namespace bulkhead::decompressor
