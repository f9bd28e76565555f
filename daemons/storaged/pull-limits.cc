#include "daemons/storaged/pull-limits.h"

#include <algorithm>
#include <limits>

#include "ipc/limits.h"

namespace bulkhead::storaged {

std::uint64_t unpackedLimit(const PullLimits& pull, std::uint64_t compressed) {
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t byRatio = compressed > most / pull.ratio ? most : compressed * pull.ratio;
  return std::min(pull.layerBytes, std::max(byRatio, limits::unpackedFree));
}

}  // namespace bulkhead::storaged
