#include "daemons/storaged/verifier/signatures.h"

namespace bulkhead::verifier {
namespace {

struct Checker {
  const Candidate& candidate;
  const TrustFiles& files;

  Outcome<void> operator()(const AcceptAnything&) const { return {}; }
  Outcome<void> operator()(const Reject&) const {
    return refuse(Code::failedPrecondition, "", "it rejects the image");
  }
  Outcome<void> operator()(const SignedBy& requirement) const {
    return checkSignedBy(requirement, candidate, files);
  }
  Outcome<void> operator()(const SigstoreSigned& requirement) const {
    return checkSigstoreSigned(requirement, candidate, files);
  }
};

}  // namespace

Outcome<void> check(const Requirements& requirements, const Candidate& candidate, const TrustFiles& files) {
  for (const Requirement& requirement : requirements) {
    auto held = std::visit(Checker{candidate, files}, requirement);
    if (!held) return held;
  }
  return {};
}

}  // namespace bulkhead::verifier
