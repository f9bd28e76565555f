// Which registry an image really comes from, as root's configuration says (config.capnp, Registry; the
// semantics of containers-registries.conf(5): the longest prefix wins, `location` replaces it).
#pragma once

#include <string>
#include <vector>

#include "daemons/common/base/error.h"
#include "daemons/common/base/image-ref.h"

namespace bulkhead::imaged {

// One configured registry.
struct RegistryRule {
  std::string prefix;    // "host[:port][/path]"
  std::string location;  // the same form, instead of the prefix; empty: no change
  bool insecure = false;
  bool blocked = false;
};

// Where to go for one reference.
struct Source {
  std::string host;  // "host[:port]"; Docker Hub by the name of its registry
  std::string repository;
  bool insecure = false;  // plain HTTP and unverified TLS are allowed
  bool listed = false;    // the configuration names it
};

class Registries {
 public:
  // Throws std::runtime_error naming a rule whose location is not a host with an optional path.
  explicit Registries(std::vector<RegistryRule> rules);

  // Refuses permissionDenied if the configuration blocks it. A registry's rules hold for all its names: in
  // any case, with the port that https has anyway, and Docker Hub's three.
  [[nodiscard]] Outcome<Source> sourceOf(const ImageReference& reference) const;

 private:
  [[nodiscard]] const RegistryRule* ruleFor(const std::string& name) const;

  std::vector<RegistryRule> rules_;
};

}  // namespace bulkhead::imaged
