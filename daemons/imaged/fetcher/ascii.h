// ASCII, whatever the locale: what HTTP's names are made of (RFC 9110, section 5.1).
#pragma once

#include <string>
#include <string_view>

namespace bulkhead::fetcher {

inline std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

}  // namespace bulkhead::fetcher
