// When a container was started and how it ended: fixed records, one pwrite each.
#pragma once

#include <cstdint>
#include <optional>

namespace bulkhead::shim {

struct ExitRecord {
  std::int32_t code = 0;  // 0-255; 128 + signal
  bool oomKilled = false;
  std::int64_t finishedAt = 0;  // nanoseconds, wall clock
};

// Descriptors are of files that start empty; they are read and written at offset 0. False with errno if the
// file does not take the whole record.
[[nodiscard]] bool writeExit(int fd, const ExitRecord& record);
// Nothing while there is no whole record of a known format.
std::optional<ExitRecord> readExit(int fd);

// Nanoseconds, wall clock; 0 while it has not been started.
[[nodiscard]] bool writeStarted(int fd, std::int64_t at);
std::int64_t readStarted(int fd);

// Nanoseconds since the epoch.
std::int64_t wallClock();

}  // namespace bulkhead::shim
