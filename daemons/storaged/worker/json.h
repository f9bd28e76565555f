// JSON from strangers: one meaning or none.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "daemons/common/base/error.h"

namespace bulkhead::worker {

// Parses one document. Refused (invalidArgument, field `document`): not JSON, not UTF-8, a key twice in one
// object, nested deeper than 32 levels, not an object.
Outcome<nlohmann::json> parseObject(std::string_view text, const std::string& document);

// Members of `object`, whose name is `path`. Absent and null are the same, as in Go's encoding/json, which
// wrote most of these documents. Refusals name "PATH.KEY".
const nlohmann::json* find(const nlohmann::json& object, const char* key);
// Text without NUL; "" if absent.
Outcome<std::string> textAt(const nlohmann::json& object, const char* key, const std::string& path);
Outcome<std::uint64_t> numberAt(const nlohmann::json& object, const char* key, const std::string& path);
// A member that must be an object, or an array.
Outcome<const nlohmann::json*> objectAt(const nlohmann::json& object, const char* key,
                                        const std::string& path);
Outcome<const nlohmann::json*> arrayAt(const nlohmann::json& object, const char* key,
                                       const std::string& path);
// An array of texts; empty if absent.
Outcome<std::vector<std::string>> textsAt(const nlohmann::json& object, const char* key,
                                          const std::string& path);

}  // namespace bulkhead::worker
