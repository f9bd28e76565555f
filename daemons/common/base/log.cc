#include "daemons/common/base/log.h"

#include <unistd.h>

#include <atomic>

#include "daemons/common/base/io.h"
#include "daemons/common/base/utf8.h"

namespace bulkhead::log {
namespace {

constexpr size_t fieldBytes = 512;

// As utf8CharacterBytes(), but a C1 control is no character either.
size_t characterBytes(std::string_view text) {
  bool control = text.size() > 1 && text[0] == '\xc2' && static_cast<unsigned char>(text[1]) < 0xa0;
  return control ? 0 : utf8CharacterBytes(text);
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
