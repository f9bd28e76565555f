#include "daemons/shim/record/exit-record.h"

#include <unistd.h>

#include <ctime>

namespace bulkhead::shim {
namespace {

// On disk. Old shims write it for new launchers: never change it, add a new format number.
struct ExitOnDisk {
  std::uint32_t format;
  std::int32_t code;
  std::int64_t finishedAt;
  std::uint32_t oomKilled;
  std::uint32_t zero;
};
static_assert(sizeof(ExitOnDisk) == 24);
constexpr std::uint32_t exitFormat = 0x42483031;  // "BH01"

}  // namespace

bool writeExit(int fd, const ExitRecord& record) {
  ExitOnDisk bytes{exitFormat, record.code, record.finishedAt, record.oomKilled ? 1U : 0U, 0};
  return ::pwrite(fd, &bytes, sizeof bytes, 0) == static_cast<ssize_t>(sizeof bytes);
}

std::optional<ExitRecord> readExit(int fd) {
  ExitOnDisk bytes{};
  if (::pread(fd, &bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes)) return std::nullopt;
  if (bytes.format != exitFormat) return std::nullopt;
  return ExitRecord{bytes.code, bytes.oomKilled != 0, bytes.finishedAt};
}

bool writeStarted(int fd, std::int64_t at) {
  return ::pwrite(fd, &at, sizeof at, 0) == static_cast<ssize_t>(sizeof at);
}

std::int64_t readStarted(int fd) {
  std::int64_t at = 0;
  return ::pread(fd, &at, sizeof at, 0) == static_cast<ssize_t>(sizeof at) ? at : 0;
}

std::int64_t wallClock() {
  struct timespec now {};
  (void)::clock_gettime(CLOCK_REALTIME, &now);
  constexpr std::int64_t perSecond = 1'000'000'000;
  return now.tv_sec * perSecond + now.tv_nsec;
}

}  // namespace bulkhead::shim
