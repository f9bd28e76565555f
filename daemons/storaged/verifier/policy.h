// A signature policy: containers-policy.json(5), read strictly. What this reader does not know, it does not
// guess: an unknown key, type or value breaks the whole policy, and a broken policy accepts nothing.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "daemons/common/base/error.h"
#include "daemons/storaged/verifier/image-name.h"

namespace bulkhead::verifier {

// Keys or certificates, in files or in the policy itself. Any one of them will do.
struct KeySource {
  std::vector<std::string> paths;  // the host's, absolute
  std::vector<std::string> data;   // decoded
  [[nodiscard]] bool empty() const { return paths.empty() && data.empty(); }
};

// Which claimed names are as good as the one that was asked for ("signedIdentity").
struct Identity {
  enum class Kind {
    matchExact,
    matchRepoDigestOrExact,
    matchRepository,
    exactReference,   // `name`
    exactRepository,  // `name`
    remapIdentity,    // `prefix` is `signedPrefix` in signatures; then as matchRepoDigestOrExact
  };
  Kind kind = Kind::matchRepoDigestOrExact;
  std::optional<ImageName> name;
  std::string prefix;
  std::string signedPrefix;

  [[nodiscard]] bool accepts(const ImageName& claimed, const ImageName& asked) const;
};

struct AcceptAnything {};
struct Reject {};
struct SignedBy {  // OpenPGP
  KeySource keys;
  Identity identity;
};
struct Fulcio {
  KeySource authorities;
  std::string issuer;
  std::string email;
};
struct SigstoreSigned {  // by one of `keys`, or by somebody to whom `fulcio` gave a certificate
  KeySource keys;
  std::optional<Fulcio> fulcio;
  KeySource rekor;  // not empty: the transparency log must have it, too
  Identity identity;
};
using Requirement = std::variant<AcceptAnything, Reject, SignedBy, SigstoreSigned>;
// All of them must hold; never empty.
using Requirements = std::vector<Requirement>;

struct Policy {
  Requirements standard;                       // "default"
  std::map<std::string, Requirements> docker;  // by scope
  // Nothing but AcceptAnything everywhere.
  [[nodiscard]] bool acceptsAnything() const;
};

// Refuses failedPrecondition; the reason names the place: "transports.docker["quay.io"][0].keyType is …".
Outcome<Policy> parsePolicy(std::string_view json);
// What holds without a policy file.
Policy permissivePolicy();

struct Rule {
  std::string scope;  // "default", "docker:quay.io/x"
  const Requirements* requirements;
};
// The most specific one; points into `policy`.
Rule ruleFor(const Policy& policy, const ImageName& name);

}  // namespace bulkhead::verifier
