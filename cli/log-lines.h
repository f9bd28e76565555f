// The CRI log format: "2016-10-06T00:17:09.669794202Z stdout F message", one entry a line; P instead of F
// marks a piece of a line that goes on in the next entry of its stream. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace bulkhead::cli {

struct LogEntry {
  bool isStderr = false;
  bool partial = false;
  std::string_view time;  // RFC 3339; points into the parsed line, as the next
  std::string_view payload;
};

// One line without its newline; nothing if it is none of the format.
std::optional<LogEntry> parseLogEntry(std::string_view line);

// Cuts a log that arrives in chunks into entries.
class LogReader {
 public:
  struct Output {
    std::string standard;
    std::string error;
  };
  // Calls `take` with each line that `chunk` completes, and what it says if it is of the format.
  using Take = std::function<void(std::string_view line, const std::optional<LogEntry>& entry)>;
  void feed(std::string_view chunk, const Take& take);
  // Their payloads, with the newline that a full entry ends in and none after a piece. Lines that are none of
  // the format go to `standard` as they are.
  Output feed(std::string_view chunk);
  // Forgets an unfinished line: the file was replaced.
  void restart() { rest_.clear(); }

 private:
  std::string rest_;
};

}  // namespace bulkhead::cli
