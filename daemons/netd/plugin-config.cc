#include "daemons/netd/plugin-config.h"

#include <algorithm>
#include <array>
#include <limits>

namespace bulkhead::netd {
namespace {

constexpr const char* annotationsCapability = "io.kubernetes.cri.pod-annotations";

Json portMappings(const PodNetwork& pod) {
  Json list = Json::array();
  for (const PortMapping& mapping : pod.portMappings) {
    Json entry{{"hostPort", mapping.hostPort},
               {"containerPort", mapping.containerPort},
               {"protocol", mapping.protocol}};
    if (!mapping.hostIp.empty()) entry["hostIP"] = mapping.hostIp;
    list.push_back(std::move(entry));
  }
  return list;
}

// Rates in bits per second. The burst, in bits, is what the peers give (containerd): the plugin takes no rate
// without.
Json bandwidth(const PodNetwork& pod) {
  constexpr auto burst = std::numeric_limits<std::uint32_t>::max();
  Json object = Json::object();
  if (pod.facts.ingressRate != 0) {
    object["ingressRate"] = pod.facts.ingressRate;
    object["ingressBurst"] = burst;
  }
  if (pod.facts.egressRate != 0) {
    object["egressRate"] = pod.facts.egressRate;
    object["egressBurst"] = burst;
  }
  return object;
}

Json dns(const PodNetwork& pod) {
  if (pod.facts.dns.empty()) return {};
  return {{"servers", pod.facts.dns.servers},
          {"searches", pod.facts.dns.searches},
          {"options", pod.facts.dns.options}};
}

Json annotations(const PodNetwork& pod) {
  return pod.facts.annotations;
}

Json cgroupPath(const PodNetwork& pod) {
  return pod.facts.cgroupPath.empty() ? Json() : Json(pod.facts.cgroupPath);
}

struct Capability {
  const char* name;                  // as plugins declare it, and as runtimeConfig has it
  Json (*value)(const PodNetwork&);  // empty: there is nothing to say
};
constexpr std::array<Capability, 5> capabilities{{{"portMappings", portMappings},
                                                  {"bandwidth", bandwidth},
                                                  {"dns", dns},
                                                  {annotationsCapability, annotations},
                                                  {"cgroupPath", cgroupPath}}};

Json derived(const Conflist& conflist, const Plugin& plugin) {
  Json config = plugin.config;
  config.erase("capabilities");
  config.erase("cniVersions");
  config["name"] = conflist.name;
  config["cniVersion"] = conflist.version;
  return config;
}

}  // namespace

std::string pluginConfig(const Conflist& conflist, const Plugin& plugin, const PodNetwork& pod,
                         const std::optional<Json>& prevResult) {
  Json config = derived(conflist, plugin);
  for (const Capability& capability : capabilities) {
    if (!plugin.declares(capability.name)) continue;
    if (Json value = capability.value(pod); !value.empty()) config["runtimeConfig"][capability.name] = value;
  }
  if (prevResult) config["prevResult"] = *prevResult;
  return config.dump();
}

std::string statusConfig(const Conflist& conflist, const Plugin& plugin) {
  return derived(conflist, plugin).dump();
}

std::string collectConfig(const Conflist& conflist, const Plugin& plugin, const std::vector<PodId>& valid) {
  Json config = derived(conflist, plugin);
  Json attachments = Json::array();
  for (const PodId& pod : valid) {
    attachments.push_back({{"containerID", pod.text()}, {"ifname", podInterface}});
  }
  config["cni.dev/valid-attachments"] = std::move(attachments);
  return config.dump();
}

PodFacts declaredFacts(PodFacts facts, const Conflist& conflist) {
  auto declared = [&conflist](const char* capability) {
    return std::any_of(conflist.plugins.begin(), conflist.plugins.end(),
                       [capability](const Plugin& plugin) { return plugin.declares(capability); });
  };
  if (!declared(annotationsCapability)) facts.annotations.clear();
  if (!declared("cgroupPath")) facts.cgroupPath.clear();
  if (!declared("dns")) facts.dns = {};
  if (!declared("bandwidth")) facts.ingressRate = facts.egressRate = 0;
  return facts;
}

}  // namespace bulkhead::netd
