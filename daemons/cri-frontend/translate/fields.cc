#include "daemons/cri-frontend/translate/fields.h"

#include <algorithm>
#include <climits>

#include "ipc/limits.h"

namespace bulkhead::cri {
namespace {

bool isControl(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

bool hasDotComponent(std::string_view path) {
  while (!path.empty()) {
    size_t slash = path.find('/');
    std::string_view part = path.substr(0, slash);
    if (part == "." || part == "..") return true;
    if (slash == path.npos) return false;
    path.remove_prefix(slash + 1);
  }
  return false;
}

// How many bytes the well-formed UTF-8 sequence at the front has; 0: it is none (RFC 3629, section 4).
size_t sequenceAt(std::string_view text) {
  auto byte = [text](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  auto within = [byte](size_t i, unsigned low, unsigned high) { return byte(i) >= low && byte(i) <= high; };
  auto tail = [within](size_t i) { return within(i, 0x80, 0xbf); };
  unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (within(0, 0xc2, 0xdf)) return tail(1) ? 2 : 0;
  // No overlong forms, no surrogates, nothing above U+10FFFF.
  unsigned low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  unsigned high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (within(0, 0xe0, 0xef)) return within(1, low, high) && tail(2) ? 3 : 0;
  if (within(0, 0xf0, 0xf4)) return within(1, low, high) && tail(2) && tail(3) ? 4 : 0;
  return 0;
}

bool isUtf8(std::string_view text) {
  while (!text.empty()) {
    size_t length = sequenceAt(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

Outcome<void> checkPath(std::string_view text, std::string field) {
  if (text.size() >= PATH_MAX) return invalid(std::move(field), "is longer than a path can be");
  if (std::any_of(text.begin(), text.end(), isControl))
    return invalid(std::move(field), "contains control bytes");
  if (hasDotComponent(text)) return invalid(std::move(field), "contains '.' or '..'");
  return {};
}

}  // namespace

Outcome<void> checkName(std::string_view text, std::string field) {
  constexpr size_t longest = 253;
  constexpr std::string_view separators = "/;=\\";
  if (text.empty()) return invalid(std::move(field), "is empty");
  if (text.size() > longest) return invalid(std::move(field), "is longer than 253 bytes");
  bool plain = std::all_of(text.begin(), text.end(), [separators](char c) {
    return c > 0x20 && c < 0x7f && separators.find(c) == separators.npos;
  });
  if (!plain)
    return invalid(std::move(field), "contains '/', ';', '=', '\\', blanks, or bytes that are not printable");
  if (text.find("..") != text.npos) return invalid(std::move(field), "contains '..'");
  return {};
}

Outcome<void> checkAbsolutePath(std::string_view text, std::string field) {
  if (text.empty()) return invalid(std::move(field), "is empty");
  if (text[0] != '/') return invalid(std::move(field), "is not an absolute path");
  return checkPath(text, std::move(field));
}

Outcome<void> checkRelativePath(std::string_view text, std::string field) {
  if (text.empty()) return invalid(std::move(field), "is empty");
  if (text[0] == '/') return invalid(std::move(field), "is not a relative path");
  return checkPath(text, std::move(field));
}

Outcome<void> checkArgument(std::string_view text, std::string field) {
  if (text.size() >= limits::argument) return invalid(std::move(field), "is longer than 128 KiB");
  if (text.find('\0') != text.npos) return invalid(std::move(field), "contains a NUL byte");
  if (!isUtf8(text)) return invalid(std::move(field), "is not UTF-8 text");
  return {};
}

Outcome<uint32_t> checkUserNumber(int64_t number, std::string field) {
  constexpr int64_t last = 0xfffffffe;
  if (number < 0 || number > last) return invalid(std::move(field), "is not between 0 and 4294967294");
  return static_cast<uint32_t>(number);
}

bool isWord(std::string_view text) {
  return !text.empty() &&
         std::none_of(text.begin(), text.end(), [](char c) { return isControl(c) || c == ' '; });
}

std::string indexed(std::string_view list, int index) {
  return std::string(list) + "[" + std::to_string(index) + "]";
}

}  // namespace bulkhead::cri
