#include "daemons/netd/pod-network.h"

#include <array>

#include "daemons/common/base/address.h"
#include "ipc/convert.h"

namespace bulkhead::netd {
namespace {

constexpr std::array<std::string_view, 3> protocols{"tcp", "udp", "sctp"};
constexpr unsigned mostMappings = 1024;

Outcome<std::string> parseLabel(capnp::Text::Reader from, const char* field) {
  std::string text = ipc::toString(from);
  if (!text.empty() && !isPlainName(text)) return invalid(field, "is not a plain name");
  return text;
}

Outcome<PortMapping> parseMapping(schema::PortMapping::Reader from) {
  auto protocol = static_cast<size_t>(from.getProtocol());
  if (protocol >= protocols.size()) return invalid("portMappings.protocol", "is unknown");
  if (from.getContainerPort() == 0) return invalid("portMappings.containerPort", "is 0");
  std::string hostIp = ipc::toString(from.getHostIp());
  if (!hostIp.empty() && !isAddress(hostIp)) return invalid("portMappings.hostIp", "is not an IP address");
  return PortMapping{std::string(protocols[protocol]), from.getContainerPort(), from.getHostPort(),
                     std::move(hostIp)};
}

Outcome<std::vector<PortMapping>> parseMappings(capnp::List<schema::PortMapping>::Reader from) {
  if (from.size() > mostMappings)
    return invalid("portMappings", "are more than " + std::to_string(mostMappings));
  std::vector<PortMapping> mappings;
  for (auto each : from) {
    if (each.getHostPort() == 0) continue;
    auto mapping = parseMapping(each);
    if (!mapping) return tl::unexpected(mapping.error());
    mappings.push_back(std::move(*mapping));
  }
  return mappings;
}

}  // namespace

Outcome<PodNetwork> parsePodNetwork(schema::PodNetwork::Reader from) {
  auto id = PodId::parse(ipc::toString(from.getPodId()), "podId");
  if (!id) return tl::unexpected(id.error());
  auto name = parseLabel(from.getName(), "name");
  if (!name) return tl::unexpected(name.error());
  auto nameSpace = parseLabel(from.getNamespace(), "namespace");
  if (!nameSpace) return tl::unexpected(nameSpace.error());
  auto uid = parseLabel(from.getUid(), "uid");
  if (!uid) return tl::unexpected(uid.error());
  auto mappings = parseMappings(from.getPortMappings());
  if (!mappings) return tl::unexpected(mappings.error());
  return PodNetwork{*id, *name, *nameSpace, *uid, std::move(*mappings)};
}

}  // namespace bulkhead::netd
