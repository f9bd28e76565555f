#include <algorithm>

#include "daemons/cri-frontend/translate/container.h"
#include "ipc/convert.h"

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
  return !text.empty() && text.size() <= longest && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_';
  });
}

void checkLists(const v1::LinuxContainerResources& asked, const std::string& field, FirstRefusal& no) {
  constexpr int most = 64;
  no.unless(isCpuList(asked.cpuset_cpus()), field + ".cpuset_cpus", "is not a list of numbers and ranges");
  no.unless(isCpuList(asked.cpuset_mems()), field + ".cpuset_mems", "is not a list of numbers and ranges");
  no.unless(asked.hugepage_limits_size() <= most, field + ".hugepage_limits", "has more than 64 entries");
  no.unless(asked.unified().size() <= most, field + ".unified", "has more than 64 entries");
  for (const auto& [key, value] : asked.unified())
    no.unless(isKey(key), field + ".unified", "has a key that is no cgroup file");
}

ResourcePlan translate(const v1::LinuxContainerResources& asked, const std::string& field, FirstRefusal& no) {
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
  checkLists(asked, field, no);
  ResourcePlan plan{.cpuPeriod = asked.cpu_period(),
                    .cpuQuota = asked.cpu_quota(),
                    .cpuShares = asked.cpu_shares(),
                    .memoryLimit = asked.memory_limit_in_bytes(),
                    .swapLimit = swap,
                    .oomScoreAdj = asked.oom_score_adj(),
                    .hasOomScoreAdj = true,
                    .cpusetCpus = asked.cpuset_cpus(),
                    .cpusetMems = asked.cpuset_mems()};
  for (const auto& each : asked.hugepage_limits())
    plan.hugepageLimits.emplace_back(each.page_size(), each.limit());
  for (const auto& [key, value] : asked.unified()) plan.unified.emplace_back(key, value);
  return plan;
}

}  // namespace

ResourcePlan translateResources(const v1::LinuxContainerConfig& config, FirstRefusal& no) {
  if (!config.has_resources()) return {};
  return translate(config.resources(), "config.linux.resources", no);
}

Outcome<ResourcePlan> translateUpdate(const v1::LinuxContainerResources& asked) {
  FirstRefusal no;
  ResourcePlan plan = translate(asked, "linux", no);
  if (no) return no.refusal();
  // api.proto, LinuxContainerResources: every 0 is "not specified".
  plan.hasOomScoreAdj = plan.oomScoreAdj != 0;
  return plan;
}

void mergeResources(const v1::LinuxContainerResources& update, v1::LinuxContainerResources& into) {
  // Scalars that are set replace, and maps merge by key; lists would grow.
  v1::LinuxContainerResources rest = update;
  rest.clear_hugepage_limits();
  into.MergeFrom(rest);
  for (const auto& limit : update.hugepage_limits()) {
    auto& known = *into.mutable_hugepage_limits();
    auto found = std::find_if(known.begin(), known.end(),
                              [&](const auto& each) { return each.page_size() == limit.page_size(); });
    (found == known.end() ? *known.Add() : *found) = limit;
  }
}

void describe(schema::Resources::Builder to, const ResourcePlan& plan) {
  to.setCpuPeriod(plan.cpuPeriod);
  to.setCpuQuota(plan.cpuQuota);
  to.setCpuShares(plan.cpuShares);
  to.setMemoryLimit(plan.memoryLimit);
  to.setSwapLimit(plan.swapLimit);
  to.setOomScoreAdj(plan.oomScoreAdj);
  to.setHasOomScoreAdj(plan.hasOomScoreAdj);
  to.setCpusetCpus(plan.cpusetCpus);
  to.setCpusetMems(plan.cpusetMems);
  auto pages = to.initHugepageLimits(static_cast<unsigned>(plan.hugepageLimits.size()));
  for (unsigned i = 0; i < plan.hugepageLimits.size(); ++i) {
    pages[i].setSize(plan.hugepageLimits[i].first);
    pages[i].setLimit(plan.hugepageLimits[i].second);
  }
  auto unified = to.initUnified(static_cast<unsigned>(plan.unified.size()));
  for (unsigned i = 0; i < plan.unified.size(); ++i) {
    unified[i].setKey(plan.unified[i].first);
    unified[i].setValue(ipc::toData(plan.unified[i].second));
  }
}

}  // namespace bulkhead::cri
