#include "daemons/common/base/ids.h"

#include <sys/random.h>

#include <algorithm>
#include <array>

namespace bulkhead {
namespace {

constexpr size_t hexLength = 64;
constexpr size_t layerLength = 26;
constexpr std::string_view base32 = "abcdefghijklmnopqrstuvwxyz234567";

bool isLowerHex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

void fillRandom(unsigned char* bytes, size_t size) {
  // Up to 256 bytes are never interrupted nor short (getrandom(2)).
  if (::getrandom(bytes, size, 0) != static_cast<ssize_t>(size)) throwErrno("getrandom");
}

}  // namespace

template <typename Tag>
Outcome<HexId<Tag>> HexId<Tag>::parse(std::string_view text, std::string field) {
  if (text.empty()) return invalid(std::move(field), "is empty");
  if (text.size() != hexLength || !std::all_of(text.begin(), text.end(), isLowerHex)) {
    return invalid(std::move(field), "is not an id: 64 lower-case hexadecimal digits are expected");
  }
  return HexId(std::string(text));
}

template <typename Tag>
HexId<Tag> HexId<Tag>::generate() {
  std::array<unsigned char, hexLength / 2> bytes{};
  fillRandom(bytes.data(), bytes.size());
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(hexLength);
  for (unsigned char byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return HexId(std::move(text));
}

template class HexId<PodTag>;
template class HexId<ContainerTag>;
template class HexId<ImageTag>;

Outcome<LayerName> LayerName::parse(std::string_view text) {
  bool known = std::all_of(text.begin(), text.end(), [](char c) { return base32.find(c) != base32.npos; });
  if (text.size() != layerLength || !known) return invalid("layer", "is not a layer name");
  return LayerName(std::string(text));
}

LayerName LayerName::generate() {
  std::array<unsigned char, layerLength> bytes{};
  fillRandom(bytes.data(), bytes.size());
  std::string text;
  for (unsigned char byte : bytes) text += base32[byte & 31];
  return LayerName(std::move(text));
}

bool isPlainName(std::string_view text) {
  if (text.empty() || text.size() > 253 || text[0] == '.' || text[0] == '-') return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

}  // namespace bulkhead
