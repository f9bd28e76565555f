// JSON from outside, bounded: from CNI configuration and from plugins.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "daemons/common/base/error.h"

namespace bulkhead::netd {

using Json = nlohmann::json;

// A JSON object; refuses (invalidArgument, naming `field`) anything else, and nesting deeper than 64, which
// would exhaust the stack when the document is written again. The caller bounds the size.
Outcome<Json> parseObject(std::string_view text, const std::string& field);

// `object[key]` if it is a string, else "".
std::string stringAt(const Json& object, const char* key);

}  // namespace bulkhead::netd
