// Whether pods can be given a network now: what the CRI condition NetworkReady says.
#pragma once

#include <string>
#include <vector>

#include "daemons/netd/conflist-directory.h"

namespace bulkhead::netd {

struct Readiness {
  bool ready = false;
  std::string reason;   // "NetworkPluginNotReady", which Kubernetes' tools know; empty when ready
  std::string message;  // for people
};

// Looks for a valid configuration and for its executables in `pluginDirectories`; runs nothing.
Readiness readinessOf(ConflistDirectory& configuration, const std::vector<std::string>& pluginDirectories);

}  // namespace bulkhead::netd
