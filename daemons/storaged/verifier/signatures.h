// Signatures as a registry gave them, and whether one of them is what a policy asks for.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "daemons/storaged/verifier/policy.h"
#include "daemons/storaged/verifier/trust-files.h"

namespace bulkhead::verifier {

struct SimpleSignature {
  std::string message;  // one OpenPGP signed message
};
struct SigstoreSignature {
  std::string payload;
  std::string signature;    // base64
  std::string certificate;  // PEM; may be empty, like those that follow
  std::string chain;
  std::string bundle;
};
using Signature = std::variant<SimpleSignature, SigstoreSignature>;

// An image under one of its names.
struct Candidate {
  ImageName name;
  std::vector<std::string> digests;  // "sha256:…": of the index and the manifest that the name leads to
  std::vector<Signature> signatures;
};

// Each refuses (failedPrecondition) with what was wrong with every signature of its kind, or that there is
// none.
Outcome<void> checkSignedBy(const SignedBy& requirement, const Candidate& candidate, const TrustFiles& files);
Outcome<void> checkSigstoreSigned(const SigstoreSigned& requirement, const Candidate& candidate,
                                  const TrustFiles& files);
// Once, before the walls: RNP's random numbers come from /dev/urandom, which it opens the first time and
// keeps.
void startOpenPgp();
// All of them.
Outcome<void> check(const Requirements& requirements, const Candidate& candidate, const TrustFiles& files);

}  // namespace bulkhead::verifier
