#include "daemons/imaged/fetcher/platform.h"

namespace bulkhead::fetcher {
namespace {

constexpr const char* buildArchitecture() {
#if defined(__x86_64__)
  return "amd64";
#elif defined(__aarch64__)
  return "arm64";
#elif defined(__arm__)
  return "arm";
#elif defined(__powerpc64__)
  return "ppc64le";
#elif defined(__s390x__)
  return "s390x";
#elif defined(__riscv)
  return "riscv64";
#else
  return "unknown";
#endif
}

// Variants are versions, "v" and a digit, for the architectures where they are ordered; -1: some other word.
int versionOf(const Platform& platform) {
  const std::string& variant = platform.variant;
  if (variant.empty()) return platform.architecture == "arm" ? 7 : platform.architecture == "arm64" ? 8 : 1;
  bool version = variant.size() == 2 && variant[0] == 'v' && variant[1] >= '1' && variant[1] <= '9';
  return version ? variant[1] - '0' : -1;
}

}  // namespace

Platform completed(Platform wanted) {
  if (wanted.os.empty()) wanted.os = "linux";
  if (wanted.architecture.empty()) wanted.architecture = buildArchitecture();
  return wanted;
}

std::optional<int> distance(const Platform& wanted, const Platform& offered) {
  if (wanted.os != offered.os || wanted.architecture != offered.architecture) return std::nullopt;
  if (wanted.variant == offered.variant) return 0;
  int want = versionOf(wanted);
  int offer = versionOf(offered);
  if (want < 0 || offer < 0 || offer > want) return std::nullopt;
  return want - offer;
}

}  // namespace bulkhead::fetcher
