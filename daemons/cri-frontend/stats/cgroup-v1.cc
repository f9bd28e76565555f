// cgroup v1: a hierarchy per controller (kernel: admin-guide/cgroup-v1).
#include "daemons/cri-frontend/stats/cgroup-files.h"
#include "daemons/cri-frontend/stats/cgroup-text.h"

namespace bulkhead::cri {
namespace {

// memory.limit_in_bytes of a group without a limit: the largest multiple of a page that fits.
constexpr uint64_t unlimited = uint64_t{1} << 62;

std::optional<uint64_t> limitOf(const CgroupFiles& files, const char* name) {
  auto limit = files.count(name);
  return limit && *limit < unlimited ? limit : std::nullopt;
}

std::optional<CpuReading> readCpu(const CgroupFiles& accounting, const CgroupFiles& control) {
  auto usage = accounting.count("cpuacct.usage");
  if (!usage) return std::nullopt;
  CpuReading cpu{.usage = *usage};
  cpu.user = accounting.count("cpuacct.usage_user").value_or(0);
  cpu.system = accounting.count("cpuacct.usage_sys").value_or(0);
  auto stat = parseKeyed(control.text("cpu.stat"));
  cpu.periods = countOf(stat, "nr_periods");
  cpu.throttledPeriods = countOf(stat, "nr_throttled");
  cpu.throttled = countOf(stat, "throttled_time");
  cpu.shares = control.count("cpu.shares").value_or(0);
  cpu.period = control.count("cpu.cfs_period_us").value_or(0);
  cpu.quota = control.count("cpu.cfs_quota_us");  // "-1": none
  return cpu;
}

std::optional<MemoryReading> readMemory(const CgroupFiles& files) {
  auto usage = files.count("memory.usage_in_bytes");
  if (!usage) return std::nullopt;
  MemoryReading memory{.usage = *usage};
  // "total_": with the groups beneath it, in which its execs are.
  auto stat = parseKeyed(files.text("memory.stat"));
  memory.rss = countOf(stat, "total_rss");
  memory.cache = countOf(stat, "total_cache");
  memory.mappedFile = countOf(stat, "total_mapped_file");
  memory.activeFile = countOf(stat, "total_active_file");
  memory.inactiveFile = countOf(stat, "total_inactive_file");
  memory.pageFaults = countOf(stat, "total_pgfault");
  memory.majorPageFaults = countOf(stat, "total_pgmajfault");
  memory.maxUsage = files.count("memory.max_usage_in_bytes").value_or(0);
  memory.kernel = files.count("memory.kmem.usage_in_bytes").value_or(0);
  memory.limitHits = files.count("memory.failcnt").value_or(0);
  memory.oomKills = countOf(parseKeyed(files.text("memory.oom_control")), "oom_kill");
  memory.limit = limitOf(files, "memory.limit_in_bytes");
  memory.reservation = limitOf(files, "memory.soft_limit_in_bytes");
  if (stat.contains("total_swap")) memory.swapUsage = countOf(stat, "total_swap");
  auto both = limitOf(files, "memory.memsw.limit_in_bytes");
  if (both && memory.limit && *both >= *memory.limit) memory.swapLimit = *both - *memory.limit;
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
  parseBlkio(files.text("blkio.throttle.io_service_bytes_recursive"), &DeviceReading::readBytes,
             &DeviceReading::writtenBytes, devices);
  parseBlkio(files.text("blkio.throttle.io_serviced_recursive"), &DeviceReading::reads,
             &DeviceReading::writes, devices);
  std::vector<DeviceReading> all;
  for (const auto& [number, device] : devices) all.push_back(device);
  return all;
}

std::vector<HugepageReading> readHugepages(const CgroupFiles& files) {
  std::vector<HugepageReading> all;
  for (const char* size : hugepageSizes) {
    std::string prefix = std::string("hugetlb.") + size;
    auto usage = files.count(prefix + ".usage_in_bytes");
    if (usage) all.push_back({size, *usage, files.count(prefix + ".max_usage_in_bytes").value_or(0)});
  }
  return all;
}

// Only the unified hierarchy of a hybrid host has it, and only if the container is in that too.
void readPressure(const CgroupFiles& files, CgroupReading& reading) {
  if (countOf(parseKeyed(files.text("cgroup.events")), "populated") == 0) return;
  if (reading.cpu) reading.cpu->pressure = parsePressure(files.text("cpu.pressure"));
  if (reading.memory) reading.memory->pressure = parsePressure(files.text("memory.pressure"));
  reading.ioPressure = parsePressure(files.text("io.pressure"));
}

}  // namespace

CgroupReading readV1(const std::string& root, const std::string& group) {
  auto in = [&](const char* hierarchy) { return CgroupFiles(root + "/" + hierarchy + group); };
  CgroupReading reading;
  reading.cpu = readCpu(in("cpuacct"), in("cpu"));
  reading.memory = readMemory(in("memory"));
  reading.tasks = readTasks(in("pids"));
  if (reading.isEmpty()) return reading;
  reading.devices = readDevices(in("blkio"));
  if (auto hugetlb = in("hugetlb"); hugetlb.exist()) reading.hugepages = readHugepages(hugetlb);
  readPressure(in("unified"), reading);
  return reading;
}

}  // namespace bulkhead::cri
