// What one plugin is given on its standard input.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemons/netd/conflist.h"
#include "daemons/netd/pod-network.h"

namespace bulkhead::netd {

// Every pod's interface has this name, as Kubernetes expects.
inline constexpr const char* podInterface = "eth0";

// The plugin's own configuration with name, cniVersion, runtimeConfig for the capabilities it declares, and
// prevResult (CNI specification 1.1, section 3, "Deriving request configuration from plugin configuration").
// Capabilities are those of CNI's CONVENTIONS.md that a runtime can know: portMappings, bandwidth, dns,
// io.kubernetes.cri.pod-annotations, cgroupPath. ipRanges, ips, mac and deviceID are asked for by nothing in
// the CRI.
std::string pluginConfig(const Conflist& conflist, const Plugin& plugin, const PodNetwork& pod,
                         const std::optional<Json>& prevResult);

// For STATUS, which is about no pod.
std::string statusConfig(const Conflist& conflist, const Plugin& plugin);

// For GC: everything of `valid` stays ("cni.dev/valid-attachments").
std::string collectConfig(const Conflist& conflist, const Plugin& plugin, const std::vector<PodId>& valid);

// The facts that some plugin of the network asks for: no others are kept.
PodFacts declaredFacts(PodFacts facts, const Conflist& conflist);

}  // namespace bulkhead::netd
