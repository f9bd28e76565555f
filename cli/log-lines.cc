#include "cli/log-lines.h"

namespace bulkhead::cli {

std::optional<LogEntry> parseLogEntry(std::string_view line) {
  size_t time = line.find(' ');
  if (time == line.npos || time == 0) return std::nullopt;
  size_t stream = line.find(' ', time + 1);
  if (stream == line.npos) return std::nullopt;
  size_t tags = line.find(' ', stream + 1);
  // An empty payload may come without its blank.
  std::string_view tag = line.substr(stream + 1, tags == line.npos ? line.npos : tags - stream - 1);
  std::string_view name = line.substr(time + 1, stream - time - 1);
  // Further tags may follow after a colon.
  std::string_view kind = tag.substr(0, tag.find(':'));
  if ((name != "stdout" && name != "stderr") || (kind != "F" && kind != "P")) return std::nullopt;
  return LogEntry{name == "stderr", kind == "P", line.substr(0, time),
                  tags == line.npos ? std::string_view() : line.substr(tags + 1)};
}

LogReader::Output LogReader::feed(std::string_view chunk) {
  Output output;
  feed(chunk, [&output](std::string_view line, const std::optional<LogEntry>& entry) {
    std::string& to = entry && entry->isStderr ? output.error : output.standard;
    to += entry ? entry->payload : line;
    if (!entry || !entry->partial) to += '\n';
  });
  return output;
}

void LogReader::feed(std::string_view chunk, const Take& take) {
  rest_ += chunk;
  size_t begin = 0;
  for (size_t end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n', begin)) {
    std::string_view line = std::string_view(rest_).substr(begin, end - begin);
    take(line, parseLogEntry(line));
    begin = end + 1;
  }
  rest_.erase(0, begin);
}

}  // namespace bulkhead::cli
