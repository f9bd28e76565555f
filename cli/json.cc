#include "cli/json.h"

#include <google/protobuf/util/json_util.h>

#include <iostream>

#include "cli/error.h"

namespace bulkhead::cli {

nlohmann::json toJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(message, &text, options).ok()) {
    throw CommandError("the daemon's answer cannot be shown as JSON");
  }
  return nlohmann::json::parse(text);
}

void printJson(const nlohmann::json& value) {
  std::cout << value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << "\n" << std::flush;
}

}  // namespace bulkhead::cli
