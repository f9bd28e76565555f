// What a container's limits may say, at its creation and in an update.
#include <algorithm>

#include "daemons/shim/ceiling/ceiling.h"
#include "ipc/convert.h"

namespace bulkhead::ceiling {
namespace {

using ipc::toString;
using schema::Resources;

bool isOf(std::string_view text, std::string_view allowed) {
  return text.find_first_not_of(allowed) == std::string_view::npos;
}

// Each says how much the container's own group may have, and nothing of other groups; what has a field of its
// own is set by that. The kubelet sends memory.oom.group, memory.min, memory.high and memory.swap.max.
constexpr std::string_view unifiedKeys[] = {"cpu.max.burst",    "cpu.uclamp.max",   "memory.min",
                                            "memory.low",       "memory.high",      "memory.swap.max",
                                            "memory.swap.high", "memory.zswap.max", "memory.oom.group"};

Outcome<void> checkUnified(Resources::Reader resources) {
  constexpr size_t longest = 32;
  for (auto each : resources.getUnified()) {
    std::string key = toString(each.getKey());
    std::string value = toString(each.getValue());
    if (key.size() > longest || !isOf(key, "abcdefghijklmnopqrstuvwxyz0123456789._"))
      return invalid("resources.unified", "has a key that is no cgroup file");
    std::string field = "resources.unified[" + key + "]";
    if (std::find(std::begin(unifiedKeys), std::end(unifiedKeys), key) == std::end(unifiedKeys))
      return refuse(Code::permissionDenied, field,
                    "is not among the files that a container's limits may name");
    if (value.empty() || value.size() > longest || (value != "max" && !isOf(value, "0123456789.")))
      return invalid(field, "is not a number or max");
  }
  return {};
}

// As cgroupfs spells it: "2MB" (kernel, mm/hugetlb_cgroup.c, mem_fmt).
bool isPageSize(std::string_view text) {
  size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  std::string_view unit = text.substr(digits);
  return digits > 0 && digits < 8 && (unit == "KB" || unit == "MB" || unit == "GB");
}

Outcome<void> checkHugepages(Resources::Reader resources) {
  constexpr size_t most = 16;  // sizes; the architectures have five at most
  if (resources.getHugepageLimits().size() > most)
    return invalid("resources.hugepageLimits", "has more than 16 entries");
  for (auto each : resources.getHugepageLimits()) {
    if (!isPageSize(toString(each.getSize())))
      return invalid("resources.hugepageLimits", "has an entry that is no page size, such as 2MB");
    if (each.getLimit() > INT64_MAX)
      return invalid("resources.hugepageLimits", "has a limit that is too large");
  }
  return {};
}

}  // namespace

Outcome<void> checkResources(Resources::Reader resources, schema::Config::Reader config) {
  for (auto [field, value] : {std::pair{"resources.cpuPeriod", resources.getCpuPeriod()},
                              {"resources.cpuShares", resources.getCpuShares()},
                              {"resources.memoryLimit", resources.getMemoryLimit()},
                              {"resources.pidsLimit", resources.getPidsLimit()}}) {
    if (value < 0) return invalid(field, "is negative");
  }
  if (resources.getCpuQuota() < -1) return invalid("resources.cpuQuota", "is below -1");
  std::int64_t swap = resources.getSwapLimit();
  if (swap < -1) return invalid("resources.swapLimit", "is below -1");
  if (swap > 0 && swap < resources.getMemoryLimit())
    return invalid("resources.swapLimit", "is less than the memory limit, which it includes");
  for (auto [field, list] : {std::pair{"resources.cpusetCpus", resources.getCpusetCpus()},
                             {"resources.cpusetMems", resources.getCpusetMems()}}) {
    if (!isOf(toString(list), "0123456789,-")) return invalid(field, "is not a list of numbers");
  }
  std::int64_t adjustment = resources.getOomScoreAdj();
  if (adjustment < -1000 || adjustment > 1000)
    return invalid("resources.oomScoreAdj", "is outside -1000 to 1000");
  if (resources.getHasOomScoreAdj() && adjustment < config.getCeiling().getMinOomScoreAdj()) {
    return refuse(Code::permissionDenied, "resources.oomScoreAdj",
                  "an OOM score this low is not allowed on this node (ceiling.toml)");
  }
  if (auto ok = checkHugepages(resources); !ok) return ok;
  return checkUnified(resources);
}

}  // namespace bulkhead::ceiling
