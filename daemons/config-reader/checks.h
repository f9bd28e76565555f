// What several keys have in common: paths, names of capabilities, one of a few words.
#pragma once

#include <capnp/list.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "daemons/config-reader/settings.h"

namespace bulkhead::config {

// Each returns the checked value; throws ConfigError by Setting::refuse.
const std::string& oneOf(const Setting& setting, std::initializer_list<const char*> words);
// Absolute, without "." or ".." or empty components; "/" alone is fine.
const std::string& absolutePath(const Setting& setting);
const std::vector<std::string>& absolutePaths(const Setting& setting);
// "CAP_CHOWN" for "CHOWN", "cap_chown" and itself; "ALL" alone is every capability known here. Sorted, each
// once.
std::vector<std::string> capabilityNames(const Setting& setting);

void fill(capnp::List<capnp::Text>::Builder list, const std::vector<std::string>& texts);

}  // namespace bulkhead::config
