// How a fetcher reads JSON: as far as it has to, of strangers, and wrong types are nothing.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace bulkhead::fetcher {

using Json = nlohmann::json;

// Discarded (nlohmann's word) if it is no JSON.
Json parseJson(const std::string& text);

// A member of an object; empty if it is absent or no text.
std::string textIn(const Json& json, const char* name);

}  // namespace bulkhead::fetcher
