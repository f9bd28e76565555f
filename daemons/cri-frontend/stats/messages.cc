#include "daemons/cri-frontend/stats/messages.h"

#include <algorithm>

#include "daemons/cri-frontend/clock.h"

namespace bulkhead::cri {
namespace {

namespace v1 = ::runtime::v1;

void write(v1::PsiData& to, const Pressure::Line& line) {
  constexpr uint64_t microsecond = 1000;
  to.set_total(line.total * microsecond);  // nanoseconds (kubernetes, stats/v1alpha1 PSIData)
  to.set_avg10(line.average10);
  to.set_avg60(line.average60);
  to.set_avg300(line.average300);
}

void write(v1::PsiStats& to, const Pressure& pressure) {
  write(*to.mutable_some(), pressure.some);
  write(*to.mutable_full(), pressure.full);
}

void write(v1::CpuUsage& to, const GroupStats& stats) {
  to.set_timestamp(stats.reading.timestamp);
  to.mutable_usage_core_nano_seconds()->set_value(stats.reading.cpu->usage);
  if (stats.cores) to.mutable_usage_nano_cores()->set_value(*stats.cores);
  if (stats.reading.cpu->pressure) write(*to.mutable_psi(), *stats.reading.cpu->pressure);
}

void write(v1::MemoryUsage& to, const CgroupReading& reading) {
  const MemoryReading& memory = *reading.memory;
  to.set_timestamp(reading.timestamp);
  to.mutable_working_set_bytes()->set_value(memory.workingSet);
  if (memory.limit)
    to.mutable_available_bytes()->set_value(*memory.limit - std::min(*memory.limit, memory.workingSet));
  to.mutable_usage_bytes()->set_value(memory.usage);
  to.mutable_rss_bytes()->set_value(memory.rss);
  to.mutable_page_faults()->set_value(memory.pageFaults);
  to.mutable_major_page_faults()->set_value(memory.majorPageFaults);
  if (memory.pressure) write(*to.mutable_psi(), *memory.pressure);
}

void write(v1::SwapUsage& to, const CgroupReading& reading) {
  uint64_t usage = *reading.memory->swapUsage;
  to.set_timestamp(reading.timestamp);
  to.mutable_swap_usage_bytes()->set_value(usage);
  if (auto limit = reading.memory->swapLimit)
    to.mutable_swap_available_bytes()->set_value(*limit - std::min(*limit, usage));
}

void write(v1::IoUsage& to, const CgroupReading& reading) {
  to.set_timestamp(reading.timestamp);
  if (reading.ioPressure) write(*to.mutable_psi(), *reading.ioPressure);
}

void write(v1::FilesystemUsage& to, const std::string& mountpoint, const LayerUsage& layer) {
  to.set_timestamp(layer.timestamp);
  to.mutable_fs_id()->set_mountpoint(mountpoint);
  to.mutable_used_bytes()->set_value(layer.bytes);
  to.mutable_inodes_used()->set_value(layer.inodes);
}

void write(v1::NetworkInterfaceUsage& to, const InterfaceCounters& interface) {
  to.set_name(interface.name);
  to.mutable_rx_bytes()->set_value(interface.receivedBytes);
  to.mutable_rx_errors()->set_value(interface.receivedErrors);
  to.mutable_tx_bytes()->set_value(interface.sentBytes);
  to.mutable_tx_errors()->set_value(interface.sentErrors);
}

// The default interface is the one that every CNI result of Kubernetes has; the others come beside it.
void write(v1::NetworkUsage& to, const std::vector<InterfaceCounters>& interfaces) {
  to.set_timestamp(nowNanoseconds());
  auto isDefault = [](const InterfaceCounters& one) { return one.name == "eth0"; };
  auto first = std::find_if(interfaces.begin(), interfaces.end(), isDefault);
  if (first == interfaces.end()) first = interfaces.begin();
  for (auto one = interfaces.begin(); one != interfaces.end(); ++one)
    write(one == first ? *to.mutable_default_interface() : *to.add_interfaces(), *one);
}

template <typename Attributes, typename Config>
void writeAttributes(Attributes& to, const std::string& id, const Config& config) {
  to.set_id(id);
  *to.mutable_metadata() = config.metadata();
  *to.mutable_labels() = config.labels();
  *to.mutable_annotations() = config.annotations();
}

}  // namespace

const GroupStats* Gathered::group(const std::string& name) const {
  auto found = groups.find(name);
  return found == groups.end() ? nullptr : &found->second;
}

const LayerUsage* Gathered::layer(const ContainerId& container) const {
  auto found = layers.layers.find(container);
  return found == layers.layers.end() ? nullptr : &found->second;
}

const OpenFiles* Gathered::open(const ContainerId& container) const {
  auto found = files.find(container);
  return found == files.end() ? nullptr : &found->second;
}

v1::ContainerStats containerStatsOf(const Container& container, const Gathered& gathered) {
  v1::ContainerStats stats;
  writeAttributes(*stats.mutable_attributes(), container.id.text(), container.record.config());
  if (const LayerUsage* layer = gathered.layer(container.id))
    write(*stats.mutable_writable_layer(), gathered.layers.mountpoint, *layer);
  const GroupStats* group = gathered.group(container.record.cgroup());
  if (group == nullptr) return stats;
  if (group->reading.cpu) write(*stats.mutable_cpu(), *group);
  if (group->reading.memory) write(*stats.mutable_memory(), group->reading);
  if (group->reading.memory && group->reading.memory->swapUsage) write(*stats.mutable_swap(), group->reading);
  write(*stats.mutable_io(), group->reading);
  return stats;
}

v1::PodSandboxStats podStatsOf(const Pod& pod, const std::vector<ContainerRef>& containers,
                               const Gathered& gathered) {
  v1::PodSandboxStats stats;
  writeAttributes(*stats.mutable_attributes(), pod.id.text(), pod.record.config());
  auto& to = *stats.mutable_linux();
  for (const auto& container : containers) *to.add_containers() = containerStatsOf(*container, gathered);
  auto network = gathered.network.find(pod.id);
  if (network != gathered.network.end()) write(*to.mutable_network(), network->second);
  const GroupStats* group = gathered.group(pod.record.cgroup());
  if (group == nullptr) return stats;
  if (group->reading.cpu) write(*to.mutable_cpu(), *group);
  if (group->reading.memory) write(*to.mutable_memory(), group->reading);
  write(*to.mutable_io(), group->reading);
  if (!group->reading.tasks) return stats;
  to.mutable_process()->set_timestamp(group->reading.timestamp);
  to.mutable_process()->mutable_process_count()->set_value(group->reading.tasks->processes);
  return stats;
}

}  // namespace bulkhead::cri
