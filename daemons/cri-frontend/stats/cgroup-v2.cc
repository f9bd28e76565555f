// cgroup v2: one hierarchy (kernel: admin-guide/cgroup-v2.rst).
#include "daemons/cri-frontend/stats/cgroup-files.h"
#include "daemons/cri-frontend/stats/cgroup-text.h"

namespace bulkhead::cri {
namespace {

constexpr uint64_t microsecond = 1000;  // nanoseconds

// As the OCI runtimes make a weight of shares, the other way round.
uint64_t sharesOf(uint64_t weight) {
  if (weight == 0 || weight > 10000) return 0;
  return 2 + (weight - 1) * 262142 / 9999;
}

std::optional<CpuReading> readCpu(const CgroupFiles& files) {
  auto stat = parseKeyed(files.text("cpu.stat"));
  if (!stat.contains("usage_usec")) return std::nullopt;
  CpuReading cpu{.usage = countOf(stat, "usage_usec") * microsecond};
  cpu.user = countOf(stat, "user_usec") * microsecond;
  cpu.system = countOf(stat, "system_usec") * microsecond;
  cpu.periods = countOf(stat, "nr_periods");
  cpu.throttledPeriods = countOf(stat, "nr_throttled");
  cpu.throttled = countOf(stat, "throttled_usec") * microsecond;
  cpu.shares = sharesOf(files.count("cpu.weight").value_or(0));
  std::string max = files.text("cpu.max");  // "max 100000"
  auto words = wordsOf(max);
  if (words.size() == 2) {
    cpu.quota = parseCount(words[0]);
    cpu.period = parseCount(words[1]).value_or(0);
  }
  cpu.pressure = parsePressure(files.text("cpu.pressure"));
  return cpu;
}

std::optional<MemoryReading> readMemory(const CgroupFiles& files) {
  auto usage = files.count("memory.current");
  if (!usage) return std::nullopt;
  MemoryReading memory{.usage = *usage};
  auto stat = parseKeyed(files.text("memory.stat"));
  memory.rss = countOf(stat, "anon");
  memory.cache = countOf(stat, "file");
  memory.mappedFile = countOf(stat, "file_mapped");
  memory.activeFile = countOf(stat, "active_file");
  memory.inactiveFile = countOf(stat, "inactive_file");
  memory.pageFaults = countOf(stat, "pgfault");
  memory.majorPageFaults = countOf(stat, "pgmajfault");
  memory.maxUsage = files.count("memory.peak").value_or(0);
  memory.kernel = countOf(stat, "kernel");
  auto events = parseKeyed(files.text("memory.events"));
  memory.limitHits = countOf(events, "max");
  memory.oomKills = countOf(events, "oom_kill");
  memory.limit = files.count("memory.max");
  auto guaranteed = files.count("memory.min");
  if (guaranteed.value_or(0) > 0) memory.reservation = guaranteed;
  memory.swapUsage = files.count("memory.swap.current");
  memory.swapLimit = files.count("memory.swap.max");
  memory.pressure = parsePressure(files.text("memory.pressure"));
  setWorkingSet(memory);
  return memory;
}

std::optional<TaskReading> readTasks(const CgroupFiles& files) {
  auto threads = files.count("pids.current");
  if (!threads) return std::nullopt;
  return TaskReading{files.processes(), *threads, files.count("pids.max")};
}

std::vector<DeviceReading> readDevices(const CgroupFiles& files) {
  Devices devices;
  parseIoStat(files.text("io.stat"), devices);
  std::vector<DeviceReading> all;
  for (const auto& [number, device] : devices) all.push_back(device);
  return all;
}

std::vector<HugepageReading> readHugepages(const CgroupFiles& files) {
  std::vector<HugepageReading> all;
  for (const char* size : hugepageSizes) {
    auto usage = files.count(std::string("hugetlb.") + size + ".current");
    if (usage) all.push_back({size, *usage, 0});
  }
  return all;
}

}  // namespace

CgroupReading readV2(const std::string& root, const std::string& group) {
  CgroupFiles files(root + group);
  CgroupReading reading;
  if (!files.exist()) return reading;
  reading.cpu = readCpu(files);
  reading.memory = readMemory(files);
  reading.tasks = readTasks(files);
  reading.devices = readDevices(files);
  reading.hugepages = readHugepages(files);
  reading.ioPressure = parsePressure(files.text("io.pressure"));
  return reading;
}

}  // namespace bulkhead::cri
