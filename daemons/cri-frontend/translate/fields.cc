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
