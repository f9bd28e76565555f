// How much one pull may bring, by configuration; and what of it is left while the layers of an image arrive.
#pragma once

#include <atomic>
#include <cstdint>

namespace bulkhead::storaged {

struct PullLimits {
  std::uint64_t layerBytes;    // unpacked
  std::uint64_t imageBytes;    // of all layers that one image has to fetch
  std::uint64_t imageEntries;  // inodes, of the same
  std::uint32_t ratio;         // unpacked to compressed, beyond limits::unpackedFree
  bool schema1 = false;        // whether images of Docker's schema 1 are taken
};

// How many bytes the archive of a layer may have that comes as `compressed` bytes.
std::uint64_t unpackedLimit(const PullLimits& pull, std::uint64_t compressed);

// Charged from the layers' threads.
class ImageBudget {
 public:
  explicit ImageBudget(const PullLimits& limits) : bytes_(limits.imageBytes), entries_(limits.imageEntries) {}
  // False if so much is not left; then nothing is taken.
  [[nodiscard]] bool takeBytes(std::uint64_t count) { return take(bytes_, count); }
  [[nodiscard]] bool takeEntries(std::uint64_t count) { return take(entries_, count); }

 private:
  static bool take(std::atomic<std::uint64_t>& left, std::uint64_t count) {
    std::uint64_t before = left;
    do {
      if (count > before) return false;
    } while (!left.compare_exchange_weak(before, before - count));
    return true;
  }
  std::atomic<std::uint64_t> bytes_;
  std::atomic<std::uint64_t> entries_;
};

}  // namespace bulkhead::storaged
