#include "daemons/netd/plugin-config.h"

namespace bulkhead::netd {
namespace {

// The form that the convention gives the capability "portMappings" (CNI, CONVENTIONS.md).
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

}  // namespace

std::string pluginConfig(const Conflist& conflist, const Plugin& plugin, const PodNetwork& pod,
                         const std::optional<Json>& prevResult) {
  Json config = plugin.config;
  config.erase("capabilities");
  config.erase("cniVersions");
  config["name"] = conflist.name;
  config["cniVersion"] = conflist.version;
  if (plugin.declares("portMappings") && !pod.portMappings.empty()) {
    config["runtimeConfig"]["portMappings"] = portMappings(pod);
  }
  if (prevResult) config["prevResult"] = *prevResult;
  return config.dump();
}

}  // namespace bulkhead::netd
