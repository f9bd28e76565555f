#include "daemons/netd/pod-record.h"

namespace bulkhead::netd {
namespace {

Json toJson(const PortMapping& mapping) {
  return {{"protocol", mapping.protocol},
          {"containerPort", mapping.containerPort},
          {"hostPort", mapping.hostPort},
          {"hostIp", mapping.hostIp}};
}

// What a pod has none of is left out.
Json toJson(const PodFacts& facts) {
  Json object = Json::object();
  if (!facts.annotations.empty()) object["annotations"] = facts.annotations;
  if (!facts.cgroupPath.empty()) object["cgroupPath"] = facts.cgroupPath;
  if (!facts.dns.empty()) {
    object["dns"] = {
        {"servers", facts.dns.servers}, {"searches", facts.dns.searches}, {"options", facts.dns.options}};
  }
  if (facts.ingressRate != 0) object["ingressRate"] = facts.ingressRate;
  if (facts.egressRate != 0) object["egressRate"] = facts.egressRate;
  return object;
}

std::uint64_t numberAt(const Json& from, const char* key) {
  auto found = from.find(key);
  return found != from.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

std::uint16_t portAt(const Json& from, const char* key) {
  std::uint64_t number = numberAt(from, key);
  return number <= UINT16_MAX ? static_cast<std::uint16_t>(number) : 0;
}

Outcome<PortMapping> parseMapping(const Json& from) {
  if (!from.is_object()) return invalid("portMappings", "holds something else than objects");
  PortMapping mapping{stringAt(from, "protocol"), portAt(from, "containerPort"), portAt(from, "hostPort"),
                      stringAt(from, "hostIp")};
  if (mapping.containerPort == 0 || mapping.hostPort == 0) return invalid("portMappings", "lacks a port");
  return mapping;
}

Outcome<std::vector<PortMapping>> parseMappings(const Json& pod) {
  std::vector<PortMapping> mappings;
  auto list = pod.find("portMappings");
  if (list == pod.end() || !list->is_array()) return invalid("portMappings", "is not a list");
  for (const Json& entry : *list) {
    auto mapping = parseMapping(entry);
    if (!mapping) return tl::unexpected(mapping.error());
    mappings.push_back(std::move(*mapping));
  }
  return mappings;
}

std::vector<std::string> wordsAt(const Json& from, const char* key) {
  std::vector<std::string> words;
  auto list = from.find(key);
  if (list == from.end() || !list->is_array()) return words;
  for (const Json& entry : *list) words.push_back(entry.is_string() ? entry.get<std::string>() : "");
  return words;
}

PodFacts parseFacts(const Json& from) {
  PodFacts facts{
      {}, stringAt(from, "cgroupPath"), {}, numberAt(from, "ingressRate"), numberAt(from, "egressRate")};
  if (auto found = from.find("annotations"); found != from.end() && found->is_object()) {
    for (const auto& [key, value] : found->items())
      facts.annotations[key] = value.is_string() ? value.get<std::string>() : "";
  }
  if (auto dns = from.find("dns"); dns != from.end() && dns->is_object()) {
    facts.dns = {wordsAt(*dns, "servers"), wordsAt(*dns, "searches"), wordsAt(*dns, "options")};
  }
  return facts;
}

}  // namespace

Json toJson(const PodNetwork& pod) {
  Json mappings = Json::array();
  for (const PortMapping& mapping : pod.portMappings) mappings.push_back(toJson(mapping));
  return {{"id", pod.id.text()},
          {"name", pod.name},
          {"namespace", pod.nameSpace},
          {"uid", pod.uid},
          {"portMappings", std::move(mappings)},
          {"facts", toJson(pod.facts)}};
}

Outcome<PodNetwork> podFromJson(const Json& from) {
  auto id = PodId::parse(stringAt(from, "id"), "pod.id");
  if (!id) return tl::unexpected(id.error());
  auto mappings = parseMappings(from);
  if (!mappings) return tl::unexpected(mappings.error());
  auto facts = from.find("facts");
  return PodNetwork{*id,
                    stringAt(from, "name"),
                    stringAt(from, "namespace"),
                    stringAt(from, "uid"),
                    std::move(*mappings),
                    facts == from.end() ? PodFacts{} : parseFacts(*facts)};
}

}  // namespace bulkhead::netd
