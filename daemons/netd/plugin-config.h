// What one plugin is given on its standard input.
#pragma once

#include <optional>
#include <string>

#include "daemons/netd/conflist.h"
#include "daemons/netd/pod-network.h"

namespace bulkhead::netd {

// The plugin's own configuration with name, cniVersion, runtimeConfig for the capabilities it declares, and
// prevResult (CNI specification 1.1, section 3, "Deriving request configuration from plugin configuration").
std::string pluginConfig(const Conflist& conflist, const Plugin& plugin, const PodNetwork& pod,
                         const std::optional<Json>& prevResult);

}  // namespace bulkhead::netd
