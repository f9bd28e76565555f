#include "daemons/common/base/log.h"

#include <unistd.h>

#include <atomic>

#include "daemons/common/base/io.h"

namespace bulkhead::log {
namespace {

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
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (unsigned char c : text.substr(0, limit)) {
    if (c >= 0x20 && c != 0x7f) {
      out += static_cast<char>(c);
    } else {
      out += {'\\', 'x', digits[c >> 4], digits[c & 15]};
    }
  }
  if (text.size() > limit) out += "…";
  return out;
}

void write(Level level, std::string_view message, std::initializer_list<Field> fields) {
  if (level > threshold.load()) return;
  std::string line = "<" + std::to_string(static_cast<int>(level)) + ">" + component.load() + ": ";
  line += message;
  for (const Field& field : fields) {
    line += ' ';
    line += field.first;
    line += '=';
    std::string value = printable(field.second);
    line += value.find(' ') == std::string::npos ? value : '"' + value + '"';
  }
  line += '\n';
  (void)writeAll(STDERR_FILENO, line);  // one write: lines of several processes do not mix
}

}  // namespace bulkhead::log
