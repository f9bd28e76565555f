// The part of the configuration that netd's flows use.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "ipc/schema/config.capnp.h"

namespace bulkhead::netd {

struct Settings {
  std::string configDirectory;
  std::vector<std::string> pluginDirectories;
  std::string defaultNetwork;              // empty: the first by file name
  std::chrono::milliseconds addTimeout{};  // of a whole chain
  std::chrono::milliseconds delTimeout{};
  // Of a whole chain as well. Pods wait while GC runs.
  std::chrono::milliseconds checkTimeout{10'000}, statusTimeout{10'000}, collectTimeout{30'000};
  std::vector<std::string> pluginCapabilities;
  bool hostPorts = false;    // the ceiling: may a pod have ports of the node
  bool hostNetwork = false;  // likewise: may it be in the node's network
};

Settings settingsFrom(schema::Config::Reader config);

}  // namespace bulkhead::netd
