// registries.d: where images' signatures are stored. containers-registries.d(5), read as containers/image
// reads it.
#pragma once

#include <map>
#include <optional>
#include <string>

namespace bulkhead::planner {

// What one section says; what it leaves open, a less specific one decides.
struct StoresSection {
  std::string lookaside;            // URL without a trailing slash; empty: not said
  std::optional<bool> attachments;  // use-sigstore-attachments
};

struct RegistriesD {
  std::optional<StoresSection> standard;        // default-docker
  std::map<std::string, StoresSection> docker;  // by scope (base/image-scopes.h)
};

// Where to read the signatures of one source's images.
struct SignatureStores {
  std::string lookaside;  // empty: nowhere
  // Where nobody says otherwise, cosign's are looked for when the policy asks for them.
  bool attachments = true;
};

// Adds one file to `conf`. `name` is for errors. Throws ConfError (registries-conf.h): not YAML, a wrong
// type, a store that is no http, https or file URL, a section that is there twice, in whatever files. A key
// that nobody knows is passed over and logged.
void readRegistriesD(RegistriesD& conf, const std::string& name, const std::string& text);

// For the image `suffix` (":tag", "@digest") of a repository ("host/path").
SignatureStores storesOf(const RegistriesD& conf, const std::string& repository, const std::string& suffix);

}  // namespace bulkhead::planner
