// Every key of bulkhead.toml and ceiling.toml: name, type, default, meaning. What is not here is refused.
#pragma once

#include <ostream>
#include <span>
#include <string_view>

#include "daemons/config-reader/settings.h"

namespace bulkhead::config {

std::span<const Key> bulkheadKeys();
// Their fallbacks are the baseline profile.
std::span<const Key> ceilingKeys();

// What [runtimes] is when no file has such a table.
std::string_view defaultRuntimes();

// What profile "restricted" or "permissive" changes of the baseline, as TOML for ceilingKeys(); empty for
// "baseline". Throws std::out_of_range for another name.
std::string_view profileText(std::string_view profile);

// Both tables as commented TOML: `bulkhead-config --describe`, which the documentation is tested against.
void describeKeys(std::ostream& out);

}  // namespace bulkhead::config
