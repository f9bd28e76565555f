#include "daemons/common/base/log.h"

#include <unistd.h>

#include <atomic>

#include "daemons/common/base/io.h"

namespace bulkhead::log {
namespace {

constexpr size_t fieldBytes = 512;

// Bytes of the UTF-8 character that `text` begins with (RFC 3629); 0 if it begins with none, or with a C1
// control.
size_t characterBytes(std::string_view text) {
  auto at = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  unsigned char first = at(0);
  if (first < 0x80) return 1;
  size_t size = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (size == 0 || text.size() < size) return 0;
  for (size_t i = 1; i < size; ++i) {
    if (at(i) < 0x80 || at(i) > 0xbf) return 0;
  }
  bool control = first == 0xc2 && at(1) < 0xa0;
  bool overlong = (first == 0xe0 && at(1) < 0xa0) || (first == 0xf0 && at(1) < 0x90);
  bool outside = (first == 0xed && at(1) > 0x9f) || (first == 0xf4 && at(1) > 0x8f);
  return control || overlong || outside ? 0 : size;
}

// `also`: bytes to escape besides.
std::string escaped(std::string_view text, size_t limit, std::string_view also) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  bool cut = text.size() > limit;
  for (text = text.substr(0, limit); !text.empty();) {
    auto c = static_cast<unsigned char>(text[0]);
    size_t size = characterBytes(text);
    bool plain = size > 0 && c >= 0x20 && c != 0x7f && also.find(text[0]) == also.npos;
    if (plain) {
      out += text.substr(0, size);
    } else {
      out += {'\\', 'x', digits[c >> 4], digits[c & 15]};
    }
    text.remove_prefix(plain ? size : 1);
  }
  if (cut) out += "…";
  return out;
}

// The process's name and level are process-wide facts, set before any thread starts.
std::atomic<const char*> component{"bulkhead"};
std::atomic<Level> threshold{Level::info};

}  // namespace

void setComponent(const char* text) {
  component = text;
}
void setLevel(Level level) {
  threshold = level;
}

std::string printable(std::string_view text, size_t limit) {
  return escaped(text, limit, "");
}

void write(Level level, std::string_view message, std::initializer_list<Field> fields) {
  if (level > threshold.load()) return;
  std::string line = "<" + std::to_string(static_cast<int>(level)) + ">" + component.load() + ": ";
  line += message;
  for (const Field& field : fields) {
    line += ' ';
    line += field.first;
    line += '=';
    std::string value = escaped(field.second, fieldBytes, "\"\\");
    line += value.find(' ') == std::string::npos ? value : '"' + value + '"';
  }
  line += '\n';
  (void)writeAll(STDERR_FILENO, line);  // one write: lines of several processes do not mix
}

}  // namespace bulkhead::log
