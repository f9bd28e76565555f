// Wall-clock time as CRI counts it.
#pragma once

#include <chrono>
#include <cstdint>

namespace bulkhead::cri {

// Nanoseconds since the epoch.
inline int64_t nowNanoseconds() {
  auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(since).count();
}

}  // namespace bulkhead::cri
