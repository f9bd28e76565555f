// Numbers as Kubernetes writes them: "10M", "1.5Gi", "2e6" (k8s.io/apimachinery, pkg/api/resource, Quantity).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace bulkhead::cri {

// The whole number that is at least as large, as the Kubernetes API rounds. Nothing for what is no quantity,
// is negative, or does not fit.
std::optional<std::uint64_t> parseQuantity(std::string_view text);

}  // namespace bulkhead::cri
