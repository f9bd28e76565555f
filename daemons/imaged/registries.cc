#include "daemons/imaged/registries.h"

#include <algorithm>
#include <stdexcept>
#include <string_view>

namespace bulkhead::imaged {
namespace {

// By whole components: "quay.io/team" is no prefix of "quay.io/teamwork/app".
bool isPrefix(std::string_view prefix, std::string_view name) {
  return name.starts_with(prefix) && (name.size() == prefix.size() || name[prefix.size()] == '/');
}

// The one name that rules are compared by, of "host[:port][/path]".
std::string canonical(const std::string& name) {
  size_t slash = std::min(name.find('/'), name.size());
  std::string host = name.substr(0, slash);
  for (char& c : host) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (host.ends_with(":443")) host.resize(host.size() - 4);
  if (host == "index.docker.io" || host == "registry-1.docker.io") host = "docker.io";
  return host + name.substr(slash);
}

// "host/path" of a reference moved from `rule.prefix` to `rule.location`.
std::string moved(const std::string& name, const RegistryRule& rule) {
  return rule.location + name.substr(rule.prefix.size());
}

}  // namespace

Registries::Registries(std::vector<RegistryRule> rules) : rules_(std::move(rules)) {
  for (RegistryRule& rule : rules_) {
    rule.prefix = canonical(rule.prefix);
    if (rule.location.empty()) continue;
    // Two components, so that Docker Hub's "library/" is not put in between.
    std::string sample = rule.location + "/some/image";
    auto parsed = ImageReference::parse(sample, "registries.location");
    bool hasHost = parsed && parsed->name() == sample;
    if (!hasHost)
      throw std::runtime_error("registry '" + rule.prefix + "': location is not host[:port][/path]");
  }
}

const RegistryRule* Registries::ruleFor(const std::string& name) const {
  const RegistryRule* best = nullptr;
  for (const RegistryRule& rule : rules_) {
    if (!isPrefix(rule.prefix, name)) continue;
    if (best == nullptr || rule.prefix.size() > best->prefix.size()) best = &rule;
  }
  return best;
}

Outcome<Source> Registries::sourceOf(const ImageReference& reference) const {
  std::string known = canonical(reference.name());
  const RegistryRule* rule = ruleFor(known);
  if (rule != nullptr && rule->blocked) {
    return refuse(Code::permissionDenied, "image",
                  "registry '" + rule->prefix + "' is blocked by the configuration");
  }
  bool moves = rule != nullptr && !rule->location.empty();
  std::string name = moves ? moved(known, *rule) : reference.name();
  size_t slash = name.find('/');
  if (slash == name.npos) {
    return refuse(Code::failedPrecondition, "image",
                  "registry '" + rule->prefix + "' moves it to a bare host");
  }
  Source source{name.substr(0, slash), name.substr(slash + 1)};
  if (rule != nullptr) {
    source.insecure = rule->insecure;
    source.listed = true;
  }
  // Docker Hub's images are named docker.io, its registry is not.
  if (source.host == "docker.io") source.host = "registry-1.docker.io";
  return source;
}

}  // namespace bulkhead::imaged
