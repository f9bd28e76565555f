// A client's frames, after one byte that says how they are cut; or, if that is odd, pieces of which frames
// are made, with header blocks packed as they should be: random bytes hardly ever are.
#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <stdexcept>

#include "daemons/cri-frontend/streaming/spdy-framing.h"
#include "tests/fuzz/streams.h"

using namespace bulkhead::streaming;

namespace {

class Packer {
 public:
  Packer() {
    std::string dictionary = spdyDictionary();
    const auto* bytes = reinterpret_cast<const Bytef*>(dictionary.data());
    if (deflateInit(&zlib_, 1) != Z_OK || deflateSetDictionary(&zlib_, bytes, dictionary.size()) != Z_OK)
      throw std::runtime_error("deflateInit failed");
  }
  ~Packer() { (void)deflateEnd(&zlib_); }
  Packer(const Packer&) = delete;
  Packer& operator=(const Packer&) = delete;

  std::string pack(std::string_view block) {
    std::string packed(block.size() + 1024, '\0');
    zlib_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(block.data()));
    zlib_.avail_in = static_cast<uInt>(block.size());
    zlib_.next_out = reinterpret_cast<Bytef*>(packed.data());
    zlib_.avail_out = static_cast<uInt>(packed.size());
    (void)deflate(&zlib_, Z_SYNC_FLUSH);
    packed.resize(packed.size() - zlib_.avail_out);
    return packed;
  }

 private:
  z_stream zlib_{};
};

std::string number(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

// Pieces: a kind, a length, so many bytes.
std::string framesOf(std::string_view pieces) {
  Packer packer;
  std::string frames;
  while (pieces.size() >= 2) {
    auto kind = static_cast<unsigned char>(pieces[0]);
    size_t length = std::min<size_t>(static_cast<unsigned char>(pieces[1]), pieces.size() - 2);
    std::string body(pieces.substr(2, length));
    pieces.remove_prefix(2 + length);
    if (kind >= 128) {  // data
      frames += number(kind & 7) + number((kind & 8U) << 21 | static_cast<std::uint32_t>(body.size())) + body;
      continue;
    }
    if (kind == 1) body = number(length % 16) + std::string(6, '\0') + packer.pack(body);
    if (kind == 8 || kind == 2) body = number(1) + packer.pack(body);
    frames += number(0x80030000U | kind) + number(static_cast<std::uint32_t>(body.size())) + body;
  }
  return frames;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  SpdyFraming framing;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::string made;
  if ((data[0] & 1) != 0) bytes = made = framesOf(bytes);
  bulkhead::fuzz::Streams streams(framing);
  streams.feed(bytes, data[0] >> 2);
  return 0;
}
