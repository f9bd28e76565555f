// The log: one line to stderr per event, "<priority>component: message key=value …" with sd-daemon(3)
// priorities. Messages are fixed text; whatever came from outside goes into a field, where what could pass
// for the end of the field or move a terminal is escaped and length is bounded. Never log credentials.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace bulkhead::log {

enum class Level { error = 3, warning = 4, info = 6, debug = 7 };

using Field = std::pair<std::string_view, std::string>;

// Names this process in every line ("cri", "storaged.zygote"); called once, first thing in main. `text` must
// be a literal.
void setComponent(const char* text);
// Lines above this level are dropped. Default: info.
void setLevel(Level level);

void write(Level level, std::string_view message, std::initializer_list<Field> fields = {});

inline void error(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::error, message, fields);
}
inline void warning(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::warning, message, fields);
}
inline void info(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::info, message, fields);
}
inline void debug(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::debug, message, fields);
}

// `text` cut at `limit` bytes, with everything as \xNN that is no printable UTF-8: control bytes, C1 control
// characters, broken sequences.
std::string printable(std::string_view text, size_t limit = 512);

}  // namespace bulkhead::log
