#include "daemons/cri-frontend/streaming/spdy-block.h"

#include <array>
#include <cctype>
#include <stdexcept>

#include "daemons/cri-frontend/streaming/limits.h"

namespace bulkhead::streaming {
namespace {

constexpr int windowBits = 11;  // a window of 2 KiB: the dictionary, and what we answer
constexpr size_t scratchBytes = 4096;

const Bytef* bytesOf(std::string_view text) {
  return reinterpret_cast<const Bytef*>(text.data());
}

// zlib's own type for input is not const.
void setInput(z_stream& zlib, std::string_view input) {
  zlib.next_in = const_cast<Bytef*>(bytesOf(input));
  zlib.avail_in = static_cast<uInt>(input.size());
}

// Reads a block's numbers and texts, all of them within it.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : left_(bytes) {}

  std::optional<uint32_t> number() {
    if (left_.size() < 4) return std::nullopt;
    uint32_t value = 0;
    for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(left_[i]);
    left_.remove_prefix(4);
    return value;
  }
  std::optional<std::string_view> text() {
    auto size = number();
    if (!size || *size > left_.size()) return std::nullopt;
    std::string_view value = left_.substr(0, *size);
    left_.remove_prefix(*size);
    return value;
  }
  [[nodiscard]] size_t left() const { return left_.size(); }

 private:
  std::string_view left_;
};

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

std::optional<StreamHeaders> parse(std::string_view block) {
  Cursor cursor(block);
  auto count = cursor.number();
  constexpr size_t leastPair = 8;  // two lengths
  if (!count || *count > cursor.left() / leastPair) return std::nullopt;
  StreamHeaders headers;
  headers.reserve(*count);
  for (uint32_t i = 0; i < *count; ++i) {
    auto name = cursor.text();
    auto value = name ? cursor.text() : std::nullopt;
    if (!value || name->empty()) return std::nullopt;
    headers.emplace_back(lower(*name), std::string(*value));
  }
  if (cursor.left() != 0) return std::nullopt;
  return headers;
}

void putNumber(std::string& to, size_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) to += static_cast<char>(value >> shift & 0xff);
}

}  // namespace

BlockReader::BlockReader() {
  if (::inflateInit(&zlib_) != Z_OK) throw std::runtime_error("inflateInit failed");
}
BlockReader::~BlockReader() {
  (void)::inflateEnd(&zlib_);
}

std::optional<std::string> BlockReader::unpack(std::string_view packed) {
  std::string block;
  std::array<char, scratchBytes> scratch{};
  setInput(zlib_, packed);
  while (true) {
    zlib_.next_out = reinterpret_cast<Bytef*>(scratch.data());
    zlib_.avail_out = scratch.size();
    int result = ::inflate(&zlib_, Z_SYNC_FLUSH);
    if (result == Z_NEED_DICT) {
      std::string dictionary = spdyDictionary();
      if (::inflateSetDictionary(&zlib_, bytesOf(dictionary), dictionary.size()) != Z_OK) return std::nullopt;
      continue;
    }
    block.append(scratch.data(), scratch.size() - zlib_.avail_out);
    if (block.size() > limits::headerBlock) return std::nullopt;
    // Z_BUF_ERROR: there was nothing left to do. Z_STREAM_END: the client thinks that blocks are over.
    if (result != Z_OK && result != Z_BUF_ERROR) return std::nullopt;
    if (zlib_.avail_out != 0) break;
  }
  if (zlib_.avail_in != 0) return std::nullopt;
  return block;
}

std::optional<StreamHeaders> BlockReader::read(std::string_view packed) {
  auto block = unpack(packed);
  if (!block) return std::nullopt;
  return parse(*block);
}

BlockWriter::BlockWriter() {
  std::string dictionary = spdyDictionary();
  bool ready = ::deflateInit2(&zlib_, Z_BEST_SPEED, Z_DEFLATED, windowBits, 1, Z_DEFAULT_STRATEGY) == Z_OK;
  if (!ready || ::deflateSetDictionary(&zlib_, bytesOf(dictionary), dictionary.size()) != Z_OK)
    throw std::runtime_error("deflateInit failed");
}
BlockWriter::~BlockWriter() {
  (void)::deflateEnd(&zlib_);
}

std::string BlockWriter::write(const StreamHeaders& headers) {
  std::string block;
  putNumber(block, headers.size());
  for (const auto& [name, value] : headers) {
    putNumber(block, name.size());
    block += name;
    putNumber(block, value.size());
    block += value;
  }
  std::string packed;
  std::array<char, scratchBytes> scratch{};
  setInput(zlib_, block);
  do {
    zlib_.next_out = reinterpret_cast<Bytef*>(scratch.data());
    zlib_.avail_out = scratch.size();
    if (::deflate(&zlib_, Z_SYNC_FLUSH) == Z_STREAM_ERROR) throw std::runtime_error("deflate failed");
    packed.append(scratch.data(), scratch.size() - zlib_.avail_out);
  } while (zlib_.avail_out == 0);
  return packed;
}

}  // namespace bulkhead::streaming
