#include "daemons/imaged/planner/registry-rules.h"

#include <algorithm>
#include <optional>

#include "daemons/common/base/image-scopes.h"

namespace bulkhead::planner {
namespace {

// By whole components: "quay.io/team" is no prefix of "quay.io/teamwork/app".
bool endsComponent(const std::string& name, size_t at) {
  return at == name.size() || name[at] == '/';
}

// How much of `name` a rule's prefix covers; nothing if it does not. "*.example.com" covers any host below.
std::optional<size_t> covered(const std::string& prefix, const std::string& name) {
  if (!prefix.starts_with("*.")) {
    bool fits = name.starts_with(prefix) && endsComponent(name, prefix.size());
    return fits ? std::optional(prefix.size()) : std::nullopt;
  }
  std::string tail = prefix.substr(1);
  size_t hostEnd = std::min(name.find('/'), name.size());
  size_t at = name.find(tail);
  // The last one in the host: "a.example.com.example.com".
  for (size_t next = at; next != name.npos && next < hostEnd; next = name.find(tail, next + 1)) at = next;
  bool fits = at != name.npos && at > 0 && at < hostEnd && endsComponent(name, at + tail.size());
  return fits ? std::optional(at + tail.size()) : std::nullopt;
}

std::optional<Source> sourceAt(const std::string& place) {
  size_t slash = place.find('/');
  if (slash == place.npos) return std::nullopt;
  Source source;
  source.name = place.substr(0, slash);
  // Docker Hub's images are named docker.io, its registry is not.
  source.host = source.name == "docker.io" ? "registry-1.docker.io" : source.name;
  source.repository = place.substr(slash + 1);
  return source;
}

bool serves(const Mirror& mirror, bool byDigest) {
  if (mirror.pullFrom == PullFrom::all) return true;
  return (mirror.pullFrom == PullFrom::digestOnly) == byDigest;
}

tl::unexpected<Refusal> bareHost(const RegistryRule& rule) {
  return refuse(Code::failedPrecondition, "image", "registry '" + rule.prefix + "' moves it to a bare host");
}

}  // namespace

RegistryRules::RegistryRules(std::vector<RegistryRule> rules) {
  for (RegistryRule& rule : rules) {
    rule.prefix = canonicalName(rule.prefix);
    auto same = [&rule](const RegistryRule& other) { return other.prefix == rule.prefix; };
    rules_.erase(std::remove_if(rules_.begin(), rules_.end(), same), rules_.end());
    rules_.push_back(std::move(rule));
  }
}

const RegistryRule* RegistryRules::ruleFor(const std::string& name) const {
  const RegistryRule* best = nullptr;
  for (const RegistryRule& rule : rules_) {
    if (!covered(rule.prefix, name)) continue;
    if (best == nullptr || rule.prefix.size() > best->prefix.size()) best = &rule;
  }
  return best;
}

Outcome<std::vector<Source>> RegistryRules::sourcesOf(const ImageReference& reference) const {
  std::string known = canonicalName(reference.name());
  const RegistryRule* rule = ruleFor(known);
  if (rule == nullptr) return std::vector<Source>{sourceAt(reference.name()).value()};

  std::string rest = known.substr(*covered(rule->prefix, known));
  std::vector<Source> sources;
  for (const Mirror& mirror : rule->mirrors) {
    if (!serves(mirror, reference.digest().has_value())) continue;
    std::string place = mirror.location + rest;
    const RegistryRule* own = ruleFor(canonicalName(place));
    if (own != nullptr && own->blocked && own != rule) continue;
    auto source = sourceAt(place);
    if (!source) return bareHost(*rule);
    source->insecure = mirror.insecure;
    source->listed = source->mirror = true;
    sources.push_back(*source);
  }
  if (!rule->blocked) {
    auto source = sourceAt(rule->location.empty() ? reference.name() : rule->location + rest);
    if (!source) return bareHost(*rule);
    source->insecure = rule->insecure;
    source->listed = !rule->location.empty() || !rule->prefix.starts_with("*.");
    sources.push_back(*source);
  }
  if (sources.empty()) {
    return refuse(Code::permissionDenied, "image",
                  "registry '" + rule->prefix + "' is blocked by the configuration");
  }
  return sources;
}

// Rules for a part of a registry say nothing of its other paths.
std::vector<Place> RegistryRules::places() const {
  std::vector<Place> places;
  auto add = [&places](const std::string& name, bool insecure) {
    if (name.empty() || name.starts_with("*.") || name.find('/') != name.npos) return;
    auto same = [&name](const Place& place) { return place.host == name; };
    if (std::none_of(places.begin(), places.end(), same)) places.push_back({name, insecure});
  };
  for (const RegistryRule& rule : rules_) {
    // One that is moved elsewhere is not asked itself.
    bool stays = rule.location.empty() || canonicalName(rule.location) == rule.prefix;
    if (!rule.blocked && stays) add(rule.prefix, rule.insecure);
  }
  for (const RegistryRule& rule : rules_) {
    if (!rule.blocked) add(rule.location, rule.insecure);
    for (const Mirror& mirror : rule.mirrors) add(mirror.location, mirror.insecure);
  }
  return places;
}

}  // namespace bulkhead::planner
