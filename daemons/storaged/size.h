// How much something in the store takes, as du counts it.
#pragma once

#include <cstdint>

namespace bulkhead::storaged {

struct Size {
  std::uint64_t bytes = 0;  // allocated
  std::uint64_t inodes = 0;
  std::uint64_t content = 0;  // bytes of file data; of layers only

  Size& operator+=(const Size& other) {
    bytes += other.bytes;
    inodes += other.inodes;
    content += other.content;
    return *this;
  }
  bool operator==(const Size&) const = default;
};

}  // namespace bulkhead::storaged
