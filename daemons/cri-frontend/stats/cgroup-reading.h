// What the files of one control group said at one moment, whatever the version of cgroups. What the kernel
// does not have, or what vanished while it was read, is absent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bulkhead::cri {

// Pressure stall information (kernel: accounting/psi.rst).
struct Pressure {
  struct Line {
    double average10 = 0, average60 = 0, average300 = 0;  // percent
    uint64_t total = 0;                                   // microseconds
  };
  Line some;
  Line full;
};

struct CpuReading {
  uint64_t usage = 0;  // nanoseconds, as all times here
  uint64_t user = 0;
  uint64_t system = 0;
  uint64_t periods = 0;
  uint64_t throttledPeriods = 0;
  uint64_t throttled = 0;
  uint64_t shares = 0;            // cgroup v1's scale; 0: unknown
  uint64_t period = 0;            // microseconds; 0: unknown
  std::optional<uint64_t> quota;  // microseconds; absent: no limit
  std::optional<Pressure> pressure;
};

struct MemoryReading {
  uint64_t usage = 0;  // bytes, as all sizes here
  uint64_t workingSet = 0;
  uint64_t rss = 0;
  uint64_t cache = 0;
  uint64_t mappedFile = 0;
  uint64_t activeFile = 0;
  uint64_t inactiveFile = 0;
  uint64_t maxUsage = 0;
  uint64_t kernel = 0;
  uint64_t pageFaults = 0;
  uint64_t majorPageFaults = 0;
  uint64_t limitHits = 0;
  uint64_t oomKills = 0;
  std::optional<uint64_t> limit;        // absent: none
  std::optional<uint64_t> reservation;  // likewise
  std::optional<uint64_t> swapUsage;    // absent: swap is not counted
  std::optional<uint64_t> swapLimit;    // of swap alone; absent: none, or not counted
  std::optional<Pressure> pressure;
};

struct TaskReading {
  uint64_t processes = 0;
  uint64_t threads = 0;
  std::optional<uint64_t> maxThreads;  // absent: no limit
};

struct DeviceReading {
  uint64_t major = 0, minor = 0;
  uint64_t readBytes = 0, writtenBytes = 0;
  uint64_t reads = 0, writes = 0;
};

struct HugepageReading {
  std::string size;  // "2MB"
  uint64_t usage = 0;
  uint64_t maxUsage = 0;  // 0 where the kernel does not keep it
};

struct CgroupReading {
  int64_t timestamp = 0;  // nanoseconds since the epoch
  int64_t steady = 0;     // nanoseconds of a clock that never jumps
  std::optional<CpuReading> cpu;
  std::optional<MemoryReading> memory;
  std::optional<TaskReading> tasks;
  std::vector<DeviceReading> devices;
  std::vector<HugepageReading> hugepages;
  std::optional<Pressure> ioPressure;

  [[nodiscard]] bool isEmpty() const { return !cpu && !memory && !tasks; }
};

}  // namespace bulkhead::cri
