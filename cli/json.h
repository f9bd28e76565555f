// Protobuf messages as JSON for programs: the field names of the .proto, every field present.
#pragma once

#include <google/protobuf/message.h>

#include <nlohmann/json.hpp>
#include <string>

namespace bulkhead::cli {

// 64-bit integers are strings and bytes are base64, as protobuf's JSON mapping says.
nlohmann::json toJson(const google::protobuf::Message& message);

// Prints it, indented, with a final newline. Bytes that are no UTF-8 become U+FFFD.
void printJson(const nlohmann::json& value);

}  // namespace bulkhead::cli
