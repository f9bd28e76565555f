// What plugins say on their standard output (CNI specification 1.1, section 5).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "daemons/netd/json.h"

namespace bulkhead::netd {

struct CniResult {
  Json document;  // handed to the next plugin, and to DEL, as it is; null: a record that cannot be read
  std::vector<std::string> addresses;  // ips[].address without prefix length
};

// The success result of an ADD. Refuses (unavailable, naming `plugin`) what is not one.
Outcome<CniResult> parseCniResult(std::string_view text, const std::string& plugin);

// How plugin `plugin` failed, for the user: its error result's msg and details, and the end of what it wrote
// to stderr; else the status alone. Printable and bounded.
Refusal pluginFailure(const std::string& plugin, int status, std::string_view out, std::string_view err);

// The end of what a plugin wrote to stderr, as the end of a sentence: printable and bounded. Empty if it
// wrote nothing.
std::string lastWords(std::string_view err);

}  // namespace bulkhead::netd
