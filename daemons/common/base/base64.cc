#include "daemons/common/base/base64.h"

#include <algorithm>
#include <cstdint>

namespace bulkhead {

std::optional<std::string> decodeBase64(std::string_view text) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  constexpr unsigned bitsOfDigit = 6;
  constexpr unsigned bitsOfByte = 8;
  std::string plain(text);
  std::erase_if(plain, [](char letter) { return letter == '\n' || letter == '\r'; });
  size_t digits = std::min(plain.find('='), plain.size());
  size_t padding = plain.size() - digits;
  if (plain.size() % 4 != 0 || padding > 2 || plain.find_first_not_of('=', digits) != plain.npos)
    return std::nullopt;
  std::string bytes;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (char letter : plain.substr(0, digits)) {
    size_t value = alphabet.find(letter);
    if (value == alphabet.npos) return std::nullopt;
    bits = bits << bitsOfDigit | static_cast<std::uint32_t>(value);
    count += bitsOfDigit;
    if (count < bitsOfByte) continue;
    count -= bitsOfByte;
    bytes += static_cast<char>(bits >> count & 0xff);
  }
  return bytes;
}

std::optional<std::string> decodeBase64Url(std::string_view text) {
  std::string standard(text);
  std::replace(standard.begin(), standard.end(), '-', '+');
  std::replace(standard.begin(), standard.end(), '_', '/');
  while (standard.ends_with('=')) standard.pop_back();
  standard.append((4 - standard.size() % 4) % 4, '=');
  return decodeBase64(standard);
}

}  // namespace bulkhead
