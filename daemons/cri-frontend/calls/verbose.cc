#include "daemons/cri-frontend/calls/verbose.h"

#include <google/protobuf/util/json_util.h>

#include <nlohmann/json.hpp>

namespace bulkhead::cri {
namespace {

using nlohmann::json;

// As the kubelet sent it, with what was changed since. Bytes, such as a variable's value, are base64.
json configOf(const google::protobuf::Message& config) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(config, &text, options).ok()) return nullptr;
  return json::parse(text, nullptr, false);
}

std::string textOf(const json& info) {
  return info.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

std::string verboseInfo(const Container& container, const Pod* pod, const Outcome<ContainerFacts>& facts) {
  json info{{"sandboxID", container.podId.text()}, {"config", configOf(container.record.config())}};
  if (pod != nullptr) info["runtimeHandler"] = pod->record.handler();
  if (facts && facts->pid > 0) info["pid"] = facts->pid;
  return textOf(info);
}

std::string verboseInfo(const Pod& pod) {
  return textOf({{"sandboxId", pod.id.text()},
                 {"runtimeHandler", pod.record.handler()},
                 {"netNsPath", pod.record.netns_path()},
                 {"config", configOf(pod.record.config())}});
}

}  // namespace bulkhead::cri
