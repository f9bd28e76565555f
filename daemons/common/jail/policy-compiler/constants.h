// The names that a policy may use for argument values, as the kernel's headers spell them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace bulkhead::policy {

// The value of "F_GETFD"; also of plain numbers (decimal, 0x…, negative) and of "A|B". Nothing if unknown.
std::optional<std::uint64_t> constantValue(std::string_view text);

}  // namespace bulkhead::policy
