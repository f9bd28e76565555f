// The container's log in CRI's format (kubelet's cri-log; one line per entry):
//   2026-11-23T08:15:02.123456789Z stdout F text
// F ends a line of the container's, P does not: the line is longer than 16 KiB, or the stream ended within
// it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "daemons/common/base/fd.h"

namespace bulkhead::shim {

enum class Stream { out, err };

class LogWriter {
 public:
  // `file` is opened for appending.
  explicit LogWriter(Fd file) : file_(std::move(file)) {}

  // Writes every whole line of `bytes`; the rest waits for its end. `now` in nanoseconds since the epoch. A
  // file that does not take it (a full disk) never blocks or fails the container: bytes are dropped, and once
  // the file takes something again a marker says how many.
  void append(Stream stream, std::string_view bytes, std::int64_t now);
  // The stream has ended.
  void finish(Stream stream, std::int64_t now);
  // What was appended so far is in the old file, a line without its end as a partial one; what comes from now
  // on goes to `file`, opened for appending too.
  void reopen(Fd file, std::int64_t now);

 private:
  void entry(std::string_view stamp, Stream stream, char tag, std::string_view text);
  void flush(std::string_view stamp);

  Fd file_;
  std::array<std::string, 2> pending_;  // by stream: a line without its end, at most 16 KiB
  std::string batch_;                   // entries not yet written
  std::uint64_t dropped_ = 0;           // bytes of entries
  bool torn_ = false;                   // the file ends within an entry
};

// RFC 3339 in UTC with nine digits of fraction.
std::string rfc3339(std::int64_t nanoseconds);

}  // namespace bulkhead::shim
