// Platform: which machine an image is for (OCI image-spec, image-index.md, "platform").
#pragma once

#include <optional>
#include <string>

namespace bulkhead::fetcher {

struct Platform {
  std::string os;
  std::string architecture;
  std::string variant;
};

// `wanted` with what is empty filled in: linux, the architecture that this program was built for.
Platform completed(Platform wanted);

// How well an image for `offered` runs on `wanted`: 0 is exact, larger is worse, nothing is not at all.
// 32-bit ARM runs older variants (v7 > v6 > v5); an absent variant means v7 on arm, v8 on arm64, v1 on amd64.
std::optional<int> distance(const Platform& wanted, const Platform& offered);

}  // namespace bulkhead::fetcher
