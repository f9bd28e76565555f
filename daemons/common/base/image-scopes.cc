#include "daemons/common/base/image-scopes.h"

#include <algorithm>

namespace bulkhead {
namespace {

class Scopes {
 public:
  void add(const std::string& scope, const std::string& canonical) {
    scopes.push_back(scope);
    if (canonical != scope) scopes.push_back(canonical);
  }
  void addName(const std::string& name, const std::string& suffix = "") {
    add(name + suffix, canonicalName(name) + suffix);
  }

  std::vector<std::string> scopes;
};

}  // namespace

std::string canonicalName(const std::string& name) {
  size_t slash = std::min(name.find('/'), name.size());
  std::string host = name.substr(0, slash);
  for (char& c : host) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (host.ends_with(":443")) host.resize(host.size() - 4);
  if (host == "index.docker.io" || host == "registry-1.docker.io") host = "docker.io";
  return host + name.substr(slash);
}

std::vector<std::string> scopesOf(const std::string& repository, const std::string& suffix) {
  Scopes all;
  if (!suffix.empty()) all.addName(repository, suffix);
  std::string place = repository;
  all.addName(place);
  while (place.find('/') != place.npos) {
    place.resize(place.rfind('/'));
    all.addName(place);
  }
  std::string domain = place.front() == '[' ? "" : place.substr(0, place.find(':'));
  std::string canonical = canonicalName(place);
  canonical.resize(std::min(canonical.find(':'), canonical.size()));
  while (domain.find('.') != domain.npos) {
    domain.erase(0, domain.find('.') + 1);
    bool alike = canonical.find('.') != canonical.npos;
    if (alike) canonical.erase(0, canonical.find('.') + 1);
    all.add("*." + domain, alike ? "*." + canonical : "*." + domain);
  }
  return std::move(all.scopes);
}

}  // namespace bulkhead
