#include "daemons/imaged/registries.h"

#include <stdexcept>
#include <string_view>

namespace bulkhead::imaged {
namespace {

// By whole components: "quay.io/team" is no prefix of "quay.io/teamwork/app".
bool isPrefix(std::string_view prefix, std::string_view name) {
  return name.starts_with(prefix) && (name.size() == prefix.size() || name[prefix.size()] == '/');
}

// "host/path" of a reference moved from `rule.prefix` to `rule.location`.
std::string moved(const std::string& name, const RegistryRule& rule) {
  return rule.location.empty() ? name : rule.location + name.substr(rule.prefix.size());
}

}  // namespace

Registries::Registries(std::vector<RegistryRule> rules) : rules_(std::move(rules)) {
  for (const RegistryRule& rule : rules_) {
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
  const RegistryRule* rule = ruleFor(reference.name());
  if (rule != nullptr && rule->blocked) {
    return refuse(Code::permissionDenied, "image",
                  "registry '" + rule->prefix + "' is blocked by the configuration");
  }
  std::string name = rule == nullptr ? reference.name() : moved(reference.name(), *rule);
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
