#include "daemons/cri-frontend/stats/metric-table.h"

#include <algorithm>

#include "daemons/cri-frontend/clock.h"

namespace bulkhead::cri {
namespace {

using Values = std::vector<MetricValue>;
constexpr auto counter = ::runtime::v1::COUNTER;
constexpr auto gauge = ::runtime::v1::GAUGE;

// CRI's values are whole numbers, so seconds are whole too.
constexpr uint64_t nanosecondsInSecond = 1'000'000'000;
constexpr uint64_t microsecondsInSecond = 1'000'000;

MetricRow cpu(const char* name, const char* help, std::function<uint64_t(const CpuReading&)> take) {
  return {name, help, counter, {}, [take = std::move(take)](const MetricSubject& of) -> Values {
            if (of.reading == nullptr || !of.reading->cpu) return {};
            return {{take(*of.reading->cpu), {}}};
          }};
}

MetricRow memory(const char* name, const char* help, ::runtime::v1::MetricType type,
                 std::function<uint64_t(const MemoryReading&)> take) {
  return {name, help, type, {}, [take = std::move(take)](const MetricSubject& of) -> Values {
            if (of.reading == nullptr || !of.reading->memory) return {};
            return {{take(*of.reading->memory), {}}};
          }};
}
MetricRow memory(const char* name, const char* help, uint64_t MemoryReading::*field) {
  return memory(name, help, gauge, [field](const MemoryReading& reading) { return reading.*field; });
}

MetricRow tasks(const char* name, const char* help, std::function<uint64_t(const TaskReading&)> take) {
  return {name, help, gauge, {}, [take = std::move(take)](const MetricSubject& of) -> Values {
            if (of.reading == nullptr || !of.reading->tasks) return {};
            return {{take(*of.reading->tasks), {}}};
          }};
}

std::string nameOf(const DeviceReading& device) {
  return std::to_string(device.major) + ":" + std::to_string(device.minor);
}

// One that moved nothing says so, without a device.
MetricRow device(const char* name, const char* help, uint64_t DeviceReading::*field) {
  return {name, help, counter, {"device"}, [field](const MetricSubject& of) -> Values {
            if (of.reading == nullptr) return {};
            Values values;
            for (const auto& one : of.reading->devices) values.push_back({one.*field, {nameOf(one)}});
            if (values.empty()) values.push_back({0, {""}});
            return values;
          }};
}

Values devicesUsage(const MetricSubject& of) {
  if (of.reading == nullptr) return {};
  Values values;
  auto add = [&values](const DeviceReading& one, const char* operation, uint64_t bytes) {
    values.push_back({bytes, {nameOf(one), std::to_string(one.major), std::to_string(one.minor), operation}});
  };
  for (const auto& one : of.reading->devices) {
    add(one, "Read", one.readBytes);
    add(one, "Write", one.writtenBytes);
  }
  if (values.empty()) values = {{0, {"", "", "", "Read"}}, {0, {"", "", "", "Write"}}};
  return values;
}

using TakePressure = const std::optional<Pressure>* (*)(const CgroupReading&);
MetricRow pressure(const char* name, const char* help, TakePressure take, Pressure::Line Pressure::*line) {
  return {name, help, counter, {}, [take, line](const MetricSubject& of) -> Values {
            const auto* found = of.reading == nullptr ? nullptr : take(*of.reading);
            if (found == nullptr || !*found) return {};
            return {{((**found).*line).total / microsecondsInSecond, {}}};
          }};
}
const std::optional<Pressure>* cpuPressure(const CgroupReading& reading) {
  return reading.cpu ? &reading.cpu->pressure : nullptr;
}
const std::optional<Pressure>* memoryPressure(const CgroupReading& reading) {
  return reading.memory ? &reading.memory->pressure : nullptr;
}
const std::optional<Pressure>* ioPressure(const CgroupReading& reading) {
  return &reading.ioPressure;
}

Values pageFaults(const MetricSubject& of) {
  if (of.reading == nullptr || !of.reading->memory) return {};
  const MemoryReading& memory = *of.reading->memory;
  Values values;
  // The kernel counts a group with those beneath it.
  for (const char* scope : {"container", "hierarchy"}) {
    values.push_back({memory.pageFaults, {"pgfault", scope}});
    values.push_back({memory.majorPageFaults, {"pgmajfault", scope}});
  }
  return values;
}

Values hugepages(const MetricSubject& of, uint64_t HugepageReading::*field) {
  if (of.reading == nullptr) return {};
  Values values;
  for (const auto& one : of.reading->hugepages) values.push_back({one.*field, {one.size}});
  return values;
}

Values quota(const MetricSubject& of) {
  if (of.reading == nullptr || !of.reading->cpu || !of.reading->cpu->quota) return {};
  return {{*of.reading->cpu->quota, {}}};
}

Values layerBytes(const MetricSubject& of) {
  if (of.layer == nullptr || of.store == nullptr) return {};
  return {{of.layer->bytes, {of.store->mountpoint}, of.layer->timestamp}};
}

Values layerInodes(const MetricSubject& of) {
  if (of.layer == nullptr || of.store == nullptr) return {};
  return {{of.layer->inodes, {of.store->mountpoint}, of.layer->timestamp}};
}

MetricRow fileSystem(const char* name, const char* help, uint64_t LayersUsage::*field) {
  return {name, help, gauge, {"device"}, [field](const MetricSubject& of) -> Values {
            if (of.layer == nullptr || of.store == nullptr) return {};
            return {{of.store->*field, {of.store->mountpoint}}};
          }};
}

MetricRow open(const char* name, const char* help, uint64_t OpenFiles::*field,
               std::vector<const char*> keys = {}, std::vector<std::string> labels = {}) {
  return {name, help, gauge, std::move(keys), [field, labels](const MetricSubject& of) -> Values {
            if (of.files == nullptr) return {};
            return {{of.files->*field, labels}};
          }};
}

MetricRow interface(const char* name, const char* help, uint64_t InterfaceCounters::*field) {
  return {name, help, counter, {"interface"}, [field](const MetricSubject& of) -> Values {
            if (of.interfaces == nullptr) return {};
            Values values;
            for (const auto& one : *of.interfaces) values.push_back({one.*field, {one.name}});
            return values;
          }};
}

Values startTime(const MetricSubject& of) {
  if (of.startedAt <= 0) return {};
  return {{static_cast<uint64_t>(of.startedAt) / nanosecondsInSecond, {}}};
}

Values lastSeen(const MetricSubject& of) {
  if (of.reading == nullptr) return {};
  return {{static_cast<uint64_t>(of.reading->timestamp) / nanosecondsInSecond, {}}};
}

}  // namespace

std::vector<MetricRow> cpuMetrics() {
  auto usage = [](const MetricSubject& of) -> Values {
    if (of.reading == nullptr || !of.reading->cpu) return {};
    return {{of.reading->cpu->usage / nanosecondsInSecond, {"total"}}};
  };
  MetricRow shares = cpu("container_spec_cpu_shares", "CPU share of the container.",
                         [](const CpuReading& reading) { return reading.shares; });
  MetricRow period = cpu("container_spec_cpu_period", "CPU period of the container, in microseconds.",
                         [](const CpuReading& reading) { return reading.period; });
  shares.type = period.type = gauge;
  return {
      {"container_cpu_usage_seconds_total",
       "Cumulative CPU time consumed, in seconds.",
       counter,
       {"cpu"},
       usage},
      cpu("container_cpu_user_seconds_total", "Cumulative user CPU time consumed, in seconds.",
          [](const CpuReading& reading) { return reading.user / nanosecondsInSecond; }),
      cpu("container_cpu_system_seconds_total", "Cumulative system CPU time consumed, in seconds.",
          [](const CpuReading& reading) { return reading.system / nanosecondsInSecond; }),
      cpu("container_cpu_cfs_periods_total", "Number of elapsed enforcement period intervals.",
          [](const CpuReading& reading) { return reading.periods; }),
      cpu("container_cpu_cfs_throttled_periods_total", "Number of throttled period intervals.",
          [](const CpuReading& reading) { return reading.throttledPeriods; }),
      cpu("container_cpu_cfs_throttled_seconds_total",
          "Total time the container has been throttled, in seconds.",
          [](const CpuReading& reading) { return reading.throttled / nanosecondsInSecond; }),
      std::move(shares),
      std::move(period),
      {"container_spec_cpu_quota", "CPU quota of the container, in microseconds.", gauge, {}, quota},
      pressure("container_pressure_cpu_waiting_seconds_total", "Time some tasks waited for CPU, in seconds.",
               cpuPressure, &Pressure::some),
      pressure("container_pressure_cpu_stalled_seconds_total", "Time all tasks waited for CPU, in seconds.",
               cpuPressure, &Pressure::full),
  };
}

std::vector<MetricRow> memoryMetrics() {
  return {
      memory("container_memory_usage_bytes", "Current memory usage in bytes, whenever it was last accessed.",
             &MemoryReading::usage),
      memory("container_memory_working_set_bytes", "Current working set in bytes.",
             &MemoryReading::workingSet),
      memory("container_memory_rss", "Size of anonymous memory in bytes.", &MemoryReading::rss),
      memory("container_memory_cache", "Size of the page cache in bytes.", &MemoryReading::cache),
      memory("container_memory_mapped_file", "Size of memory mapped files in bytes.",
             &MemoryReading::mappedFile),
      memory("container_memory_total_active_file_bytes", "Size of active file pages in bytes.",
             &MemoryReading::activeFile),
      memory("container_memory_total_inactive_file_bytes", "Size of inactive file pages in bytes.",
             &MemoryReading::inactiveFile),
      memory("container_memory_kernel_usage", "Size of the kernel's own memory for it, in bytes.",
             &MemoryReading::kernel),
      memory("container_memory_max_usage_bytes", "Maximum memory usage recorded in bytes.",
             &MemoryReading::maxUsage),
      memory("container_memory_failcnt", "Number of times memory usage hit its limit.", counter,
             [](const MemoryReading& reading) { return reading.limitHits; }),
      memory("container_oom_events_total", "Number of processes that the kernel killed for want of memory.",
             counter, [](const MemoryReading& reading) { return reading.oomKills; }),
      memory("container_memory_swap", "Swap usage in bytes.", gauge,
             [](const MemoryReading& reading) { return reading.swapUsage.value_or(0); }),
      memory("container_spec_memory_limit_bytes", "Memory limit of the container; 0: none.", gauge,
             [](const MemoryReading& reading) { return reading.limit.value_or(0); }),
      memory("container_spec_memory_reservation_limit_bytes", "Memory reservation of the container; 0: none.",
             gauge, [](const MemoryReading& reading) { return reading.reservation.value_or(0); }),
      memory("container_spec_memory_swap_limit_bytes", "Swap limit of the container; 0: none.", gauge,
             [](const MemoryReading& reading) { return reading.swapLimit.value_or(0); }),
      {"container_memory_failures_total",
       "Cumulative count of page faults.",
       counter,
       {"failure_type", "scope"},
       pageFaults},
      {"container_hugetlb_usage_bytes",
       "Current huge page usage in bytes.",
       gauge,
       {"pagesize"},
       [](const MetricSubject& of) { return hugepages(of, &HugepageReading::usage); }},
      {"container_hugetlb_max_usage_bytes",
       "Maximum huge page usage recorded in bytes.",
       gauge,
       {"pagesize"},
       [](const MetricSubject& of) { return hugepages(of, &HugepageReading::maxUsage); }},
      pressure("container_pressure_memory_waiting_seconds_total",
               "Time some tasks waited for memory, in seconds.", memoryPressure, &Pressure::some),
      pressure("container_pressure_memory_stalled_seconds_total",
               "Time all tasks waited for memory, in seconds.", memoryPressure, &Pressure::full),
  };
}

std::vector<MetricRow> deviceMetrics() {
  return {
      {"container_blkio_device_usage_total",
       "Bytes moved by block devices.",
       counter,
       {"device", "major", "minor", "operation"},
       devicesUsage},
      device("container_fs_reads_bytes_total", "Cumulative count of bytes read.", &DeviceReading::readBytes),
      device("container_fs_reads_total", "Cumulative count of reads completed.", &DeviceReading::reads),
      device("container_fs_writes_bytes_total", "Cumulative count of bytes written.",
             &DeviceReading::writtenBytes),
      device("container_fs_writes_total", "Cumulative count of writes completed.", &DeviceReading::writes),
      {"container_fs_usage_bytes",
       "Bytes that the container's writable layer holds.",
       gauge,
       {"device"},
       layerBytes},
      {"container_fs_inodes_used",
       "Inodes that the container's writable layer holds.",
       gauge,
       {"device"},
       layerInodes},
      fileSystem("container_fs_limit_bytes", "Size of the file system in bytes.", &LayersUsage::totalBytes),
      fileSystem("container_fs_inodes_total", "Number of inodes of the file system.",
                 &LayersUsage::totalInodes),
      fileSystem("container_fs_inodes_free", "Number of its inodes that are free.", &LayersUsage::freeInodes),
      pressure("container_pressure_io_waiting_seconds_total", "Time some tasks waited for I/O, in seconds.",
               ioPressure, &Pressure::some),
      pressure("container_pressure_io_stalled_seconds_total", "Time all tasks waited for I/O, in seconds.",
               ioPressure, &Pressure::full),
  };
}

std::vector<MetricRow> networkMetrics() {
  using Counters = InterfaceCounters;
  return {
      interface("container_network_receive_bytes_total", "Cumulative count of bytes received.",
                &Counters::receivedBytes),
      interface("container_network_receive_packets_total", "Cumulative count of packets received.",
                &Counters::receivedPackets),
      interface("container_network_receive_packets_dropped_total",
                "Cumulative count of packets dropped while receiving.", &Counters::receivedDropped),
      interface("container_network_receive_errors_total", "Cumulative count of errors while receiving.",
                &Counters::receivedErrors),
      interface("container_network_transmit_bytes_total", "Cumulative count of bytes transmitted.",
                &Counters::sentBytes),
      interface("container_network_transmit_packets_total", "Cumulative count of packets transmitted.",
                &Counters::sentPackets),
      interface("container_network_transmit_packets_dropped_total",
                "Cumulative count of packets dropped while transmitting.", &Counters::sentDropped),
      interface("container_network_transmit_errors_total", "Cumulative count of errors while transmitting.",
                &Counters::sentErrors),
  };
}

std::vector<MetricRow> otherMetrics() {
  return {
      tasks("container_processes", "Number of processes.",
            [](const TaskReading& one) { return one.processes; }),
      tasks("container_threads", "Number of threads.", [](const TaskReading& one) { return one.threads; }),
      tasks("container_threads_max", "Maximum number of threads; 0: no limit.",
            [](const TaskReading& one) { return one.maxThreads.value_or(0); }),
      open("container_file_descriptors", "Number of open descriptors.", &OpenFiles::descriptors),
      open("container_sockets", "Number of open sockets.", &OpenFiles::sockets),
      open("container_ulimits_soft", "Soft limits of the first process.", &OpenFiles::limit, {"ulimit"},
           {"max_open_files"}),
      {"container_start_time_seconds", "Start time, in seconds since the epoch.", gauge, {}, startTime},
      {"container_last_seen", "When this was read, in seconds since the epoch.", gauge, {}, lastSeen},
  };
}

}  // namespace bulkhead::cri
