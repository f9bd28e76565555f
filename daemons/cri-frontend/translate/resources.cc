#include <algorithm>

#include "daemons/cri-frontend/translate/container.h"

namespace bulkhead::cri {
namespace {

namespace v1 = ::runtime::v1;

// "0-3,7"
bool isCpuList(const std::string& text) {
  constexpr size_t longest = 4096;
  return text.size() <= longest && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || c == ',' || c == '-';
         });
}

// "memory.high": what may be shown in a refusal.
bool isKey(const std::string& text) {
  constexpr size_t longest = 64;
  return text.size() <= longest && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_';
         });
}

}  // namespace

ResourcePlan translateResources(const v1::LinuxContainerConfig& config, FirstRefusal& no) {
  if (!config.has_resources()) return {};
  const std::string field = "config.linux.resources";
  const auto& asked = config.resources();
  no.unless(asked.cpu_period() >= 0, field + ".cpu_period", "is negative");
  no.unless(asked.cpu_quota() >= -1, field + ".cpu_quota", "is less than -1");
  no.unless(asked.cpu_shares() >= 0, field + ".cpu_shares", "is negative");
  no.unless(asked.memory_limit_in_bytes() >= 0, field + ".memory_limit_in_bytes", "is negative");
  int64_t swap = asked.memory_swap_limit_in_bytes();
  no.unless(swap >= -1, field + ".memory_swap_limit_in_bytes", "is less than -1");
  no.unless(swap <= 0 || swap >= asked.memory_limit_in_bytes(), field + ".memory_swap_limit_in_bytes",
            "is less than the memory limit, which it includes");
  no.unless(asked.oom_score_adj() >= -1000 && asked.oom_score_adj() <= 1000, field + ".oom_score_adj",
            "is not between -1000 and 1000");
  no.unless(isCpuList(asked.cpuset_cpus()), field + ".cpuset_cpus", "is not a list of numbers and ranges");
  no.unless(isCpuList(asked.cpuset_mems()), field + ".cpuset_mems", "is not a list of numbers and ranges");
  // On cgroup v2 the kubelet sends memory.oom.group=1 with every container (singleProcessOOMKill off).
  // Setting it is still to come; refusing it would refuse every pod. What it would change: after an OOM kill
  // the container's other processes live on until its first one ends.
  for (const auto& [key, value] : asked.unified()) {
    no.unsupported(key != "memory.oom.group" || value != "1",
                   field + ".unified[" + (isKey(key) ? key : "?") + "]");
  }
  // The kubelet names every page size with a limit of 0 and keeps that limit on the pod's cgroup itself.
  bool hugepages = std::any_of(asked.hugepage_limits().begin(), asked.hugepage_limits().end(),
                               [](const v1::HugepageLimit& limit) { return limit.limit() > 0; });
  no.unsupported(hugepages, field + ".hugepage_limits");
  return {.cpuPeriod = asked.cpu_period(),
          .cpuQuota = asked.cpu_quota(),
          .cpuShares = asked.cpu_shares(),
          .memoryLimit = asked.memory_limit_in_bytes(),
          .swapLimit = swap,
          .oomScoreAdj = asked.oom_score_adj(),
          .hasOomScoreAdj = true,
          .cpusetCpus = asked.cpuset_cpus(),
          .cpusetMems = asked.cpuset_mems()};
}

}  // namespace bulkhead::cri
