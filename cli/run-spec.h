// What `bulkheadctl run` asks for, as CRI requests. Pure but for random names.
#pragma once

#include <string>
#include <vector>

#include "daemons/common/base/error.h"
#include "runtime/v1/api.pb.h"

namespace bulkhead::cli {

struct RunOptions {
  std::string image;
  std::string name;  // of the container; empty: "main"
  std::string pod;   // empty: a random one
  std::string podNamespace = "default";
  std::string uid;  // of the pod; any unique text
  std::string runtimeHandler;
  std::string logRoot;
  std::vector<std::string> environment;  // "NAME=value"
  std::vector<std::string> volumes;      // "SRC:DST[:ro]"
  std::vector<std::string> arguments;
  bool hostNetwork = false;
  bool readOnly = false;
};

// "NAME=value"; refuses a missing '=' or an empty name.
Outcome<runtime::v1::KeyValue> parseVariable(const std::string& text);

// "SRC:DST" or "SRC:DST:ro" with absolute paths; refuses everything else.
Outcome<runtime::v1::Mount> parseVolume(const std::string& text);

// The pod's log directory is LOGROOT/NAMESPACE_NAME_UID, as the kubelet has it.
runtime::v1::PodSandboxConfig podConfigOf(const RunOptions& options);

// The container's log is NAME/0.log beneath that. Refuses what the two parsers refuse.
Outcome<runtime::v1::ContainerConfig> containerConfigOf(const RunOptions& options);

}  // namespace bulkhead::cli
