// What a CNI plugin is told through its environment (CNI specification 1.1, section 2, "Parameters"), built
// from typed fields only: nobody else's variable ever reaches a plugin.
#pragma once

#include <string>
#include <vector>

#include "daemons/common/base/error.h"
#include "ipc/schema/cni.capnp.h"

namespace bulkhead::cni {

// Where things are on this node, as netd's main told the runner at start.
struct Places {
  std::string netnsDirectory;
  std::vector<std::string> pluginDirectories;
};

// "CNI_COMMAND=ADD" and so on. `netns` is the namespace's path, empty when there is none (a DEL after a
// reboot: the specification lets the runtime leave CNI_NETNS out then). Refuses (invalidArgument) a value
// that would change the meaning of CNI_ARGS, a bad interface name or a bad pod id.
Outcome<std::vector<std::string>> pluginEnvironment(schema::PluginRun::Reader run, const std::string& netns,
                                                    const Places& places);

}  // namespace bulkhead::cni
