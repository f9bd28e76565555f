#include "daemons/cri-frontend/stats/cpu-rate.h"

namespace bulkhead::cri {
namespace {

constexpr int64_t second = 1'000'000'000;
constexpr int64_t tooOld = 300 * second;
constexpr int64_t shortest = second / 10;  // a rate over less is noise
constexpr int64_t window = second;         // who asks more often is answered from the same base

}  // namespace

std::optional<uint64_t> CpuRates::add(const std::string& group, int64_t steady, uint64_t usage) {
  auto [found, isNew] = bases_.try_emplace(group, Base{steady, usage, std::nullopt});
  Base& base = found->second;
  if (isNew) return std::nullopt;
  int64_t elapsed = steady - base.steady;
  // A group of the same name was made anew, or nobody asked for long.
  if (usage < base.usage || elapsed > tooOld) {
    base = {steady, usage, std::nullopt};
    return std::nullopt;
  }
  if (elapsed < shortest) return base.rate;
  double rate =
      static_cast<double>(usage - base.usage) * static_cast<double>(second) / static_cast<double>(elapsed);
  base.rate = static_cast<uint64_t>(rate);
  if (elapsed >= window) base = {steady, usage, base.rate};
  return base.rate;
}

void CpuRates::forgetOld(int64_t steady) {
  std::erase_if(bases_, [steady](const auto& entry) { return steady - entry.second.steady > tooOld; });
}

}  // namespace bulkhead::cri
