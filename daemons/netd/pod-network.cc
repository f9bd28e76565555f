#include "daemons/netd/pod-network.h"

#include <arpa/inet.h>

#include <array>

#include "daemons/common/base/address.h"
#include "daemons/common/base/utf8.h"
#include "daemons/netd/host-ports.h"
#include "ipc/convert.h"

namespace bulkhead::netd {
namespace {

constexpr std::array<std::string_view, 3> protocols{"tcp", "udp", "sctp"};
constexpr unsigned mostMappings = 1024;
// Of annotations, keys and values together (Kubernetes, TotalAnnotationSizeLimitB).
constexpr size_t annotationBytes = 256 * 1024;
constexpr unsigned mostAnnotations = 16 * 1024;
constexpr size_t longestPath = 4096;  // PATH_MAX
constexpr unsigned mostDnsEntries = 32;
constexpr size_t longestDnsEntry = 1024;

Outcome<std::string> parseLabel(capnp::Text::Reader from, const char* field) {
  std::string text = ipc::toString(from);
  if (!text.empty() && !isPlainName(text)) return invalid(field, "is not a plain name");
  return text;
}

// One spelling of an address: as inet_ntop(3) has it.
std::string canonical(const std::string& address) {
  std::array<unsigned char, sizeof(struct in6_addr)> bytes{};
  std::array<char, INET6_ADDRSTRLEN> text{};
  int family = address.find(':') == std::string::npos ? AF_INET : AF_INET6;
  if (::inet_pton(family, address.c_str(), bytes.data()) != 1) return {};
  return ::inet_ntop(family, bytes.data(), text.data(), text.size());
}

Outcome<PortMapping> parseMapping(schema::PortMapping::Reader from) {
  auto protocol = static_cast<size_t>(from.getProtocol());
  if (protocol >= protocols.size()) return invalid("portMappings.protocol", "is unknown");
  if (from.getContainerPort() == 0) return invalid("portMappings.containerPort", "is 0");
  std::string hostIp = ipc::toString(from.getHostIp());
  if (!hostIp.empty() && !isAddress(hostIp)) return invalid("portMappings.hostIp", "is not an IP address");
  return PortMapping{std::string(protocols[protocol]), from.getContainerPort(), from.getHostPort(),
                     hostIp.empty() ? hostIp : canonical(hostIp)};
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
  return withoutRepetition(std::move(mappings));
}

Outcome<std::map<std::string, std::string>> parseAnnotations(capnp::List<schema::KeyValue>::Reader from) {
  if (from.size() > mostAnnotations) return invalid("annotations", "are too many");
  std::map<std::string, std::string> annotations;
  size_t bytes = 0;
  for (auto each : from) {
    std::string key = ipc::toString(each.getKey());
    std::string value(each.getValue().asChars().begin(), each.getValue().size());
    bytes += key.size() + value.size();
    if (bytes > annotationBytes) return invalid("annotations", "are more than 256 KiB");
    if (!isUtf8(key) || !isUtf8(value)) return invalid("annotations", "are not UTF-8");
    annotations.insert_or_assign(std::move(key), std::move(value));
  }
  return annotations;
}

Outcome<std::vector<std::string>> parseWords(capnp::List<capnp::Text>::Reader from, const char* field) {
  if (from.size() > mostDnsEntries) return invalid(field, "are too many");
  std::vector<std::string> words;
  for (auto each : from) {
    std::string word = ipc::toString(each);
    if (word.size() > longestDnsEntry || !isUtf8(word)) return invalid(field, "are too long or not UTF-8");
    words.push_back(std::move(word));
  }
  return words;
}

Outcome<Dns> parseDns(schema::PodNetwork::Dns::Reader from) {
  auto servers = parseWords(from.getServers(), "dns.servers");
  if (!servers) return tl::unexpected(servers.error());
  auto searches = parseWords(from.getSearches(), "dns.searches");
  if (!searches) return tl::unexpected(searches.error());
  auto options = parseWords(from.getOptions(), "dns.options");
  if (!options) return tl::unexpected(options.error());
  return Dns{std::move(*servers), std::move(*searches), std::move(*options)};
}

Outcome<PodFacts> parseFacts(schema::PodNetwork::Reader from) {
  auto annotations = parseAnnotations(from.getAnnotations());
  if (!annotations) return tl::unexpected(annotations.error());
  auto dns = parseDns(from.getDns());
  if (!dns) return tl::unexpected(dns.error());
  std::string cgroup = ipc::toString(from.getCgroupPath());
  if (cgroup.size() >= longestPath || !isUtf8(cgroup))
    return invalid("cgroupPath", "is too long or not UTF-8");
  return PodFacts{std::move(*annotations), std::move(cgroup), std::move(*dns), from.getIngressRate(),
                  from.getEgressRate()};
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
  auto facts = parseFacts(from);
  if (!facts) return tl::unexpected(facts.error());
  return PodNetwork{*id, *name, *nameSpace, *uid, std::move(*mappings), std::move(*facts)};
}

}  // namespace bulkhead::netd
