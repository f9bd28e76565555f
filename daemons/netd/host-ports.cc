#include "daemons/netd/host-ports.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace bulkhead::netd {
namespace {

constexpr const char* hostPort = "portMappings.hostPort";

bool isV6(const std::string& address) {
  return address.find(':') != std::string::npos;
}

bool isEveryOfItsFamily(const std::string& address) {
  return address == "0.0.0.0" || address == "::";
}

// Addresses in the form of parsePodNetwork(): one spelling each.
bool overlap(const std::string& one, const std::string& other) {
  if (one.empty() || other.empty()) return true;
  if (isV6(one) != isV6(other)) return false;
  return one == other || isEveryOfItsFamily(one) || isEveryOfItsFamily(other);
}

std::string describe(const PortMapping& mapping) {
  std::string text = mapping.protocol + " port " + std::to_string(mapping.hostPort);
  return mapping.hostIp.empty() ? text : text + " of " + mapping.hostIp;
}

}  // namespace

Outcome<std::vector<PortMapping>> withoutRepetition(std::vector<PortMapping> mappings) {
  std::map<std::tuple<std::string, std::uint16_t, std::string>, std::uint16_t> seen;
  std::vector<PortMapping> each;
  for (PortMapping& mapping : mappings) {
    auto [place, fresh] =
        seen.emplace(std::tuple(mapping.protocol, mapping.hostPort, mapping.hostIp), mapping.containerPort);
    if (fresh) {
      each.push_back(std::move(mapping));
    } else if (place->second != mapping.containerPort) {
      return invalid(hostPort, describe(mapping) + " is mapped to two ports of the pod");
    }
  }
  return each;
}

Outcome<void> checkServed(const Conflist& conflist, const std::vector<PortMapping>& wanted) {
  bool served = std::any_of(conflist.plugins.begin(), conflist.plugins.end(),
                            [](const Plugin& plugin) { return plugin.declares("portMappings"); });
  if (wanted.empty() || served) return {};
  return refuse(Code::failedPrecondition, "portMappings",
                "no plugin of network " + conflist.name +
                    " has the capability portMappings (portmap is the usual one)");
}

Outcome<void> checkFree(const std::vector<PortMapping>& wanted, const PodNetwork& holder) {
  if (wanted.empty() || holder.portMappings.empty()) return {};
  std::multimap<std::pair<std::string, std::uint16_t>, const PortMapping*> asked;
  for (const PortMapping& mapping : wanted) {
    asked.emplace(std::pair(mapping.protocol, mapping.hostPort), &mapping);
  }
  for (const PortMapping& held : holder.portMappings) {
    auto [first, last] = asked.equal_range({held.protocol, held.hostPort});
    for (auto found = first; found != last; ++found) {
      if (!overlap(found->second->hostIp, held.hostIp)) continue;
      return refuse(Code::failedPrecondition, hostPort,
                    describe(*found->second) + " is taken by pod " + holder.nameSpace + "/" + holder.name);
    }
  }
  return {};
}

Outcome<void> checkFamilies(const std::vector<PortMapping>& wanted,
                            const std::vector<std::string>& podAddresses) {
  for (const PortMapping& mapping : wanted) {
    bool served = mapping.hostIp.empty() || std::any_of(podAddresses.begin(), podAddresses.end(),
                                                        [&mapping](const std::string& address) {
                                                          return isV6(address) == isV6(mapping.hostIp);
                                                        });
    if (served) continue;
    return refuse(Code::failedPrecondition, "portMappings.hostIp",
                  mapping.hostIp + " is of a family that the pod has no address of");
  }
  return {};
}

}  // namespace bulkhead::netd
