// Where the image of a full name may be, as root's configuration says: the semantics of
// containers-registries.conf(5). The longest prefix wins; its mirrors come first, in order, and then the
// place itself, unless it is blocked.
#pragma once

#include <string>
#include <vector>

#include "daemons/common/base/error.h"
#include "daemons/common/base/image-ref.h"
#include "daemons/imaged/planner/registries-conf.h"

namespace bulkhead::planner {

// One place to ask.
struct Source {
  std::string name;        // "host[:port]" as the configuration or the reference spells it: docker.io
  std::string host;        // where to connect: Docker Hub's registry has another name
  std::string repository;  // path there
  bool insecure = false;   // plain HTTP and unverified TLS are allowed
  bool listed = false;     // the configuration names the host
  bool mirror = false;
};

// A host that the configuration names as a whole.
struct Place {
  std::string host;
  bool insecure = false;
};

class RegistryRules {
 public:
  // Later rules replace earlier ones of the same prefix. A registry's rules hold for all its names: in any
  // case, with the port that https has anyway, and Docker Hub's three.
  explicit RegistryRules(std::vector<RegistryRule> rules);

  // In the order to try them, at least one. Refuses permissionDenied if the configuration blocks all of them,
  // failedPrecondition if it leads to no image's name.
  [[nodiscard]] Outcome<std::vector<Source>> sourcesOf(const ImageReference& reference) const;
  [[nodiscard]] std::vector<Place> places() const;

 private:
  [[nodiscard]] const RegistryRule* ruleFor(const std::string& name) const;

  std::vector<RegistryRule> rules_;
};

}  // namespace bulkhead::planner
