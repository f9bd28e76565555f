// root's policy.json. Whatever is accepted says something of every image, and means what it says.
#include <cstddef>
#include <cstdint>

#include "daemons/storaged/verifier/policy.h"
#include "tests/fuzz/check.h"

using namespace bulkhead;
using namespace bulkhead::verifier;

namespace {

bool isPermissive(const Requirements& requirements) {
  for (const Requirement& requirement : requirements) {
    if (!std::holds_alternative<AcceptAnything>(requirement)) return false;
  }
  return true;
}

void checkRule(const Policy& policy, const char* name) {
  Rule rule = ruleFor(policy, ImageName::parse(name, "").value());
  fuzz::check(!rule.requirements->empty(), "no image is without requirements");
  fuzz::check(!policy.acceptsAnything() || isPermissive(*rule.requirements), "a lax policy is lax for all");
  for (const Requirement& requirement : *rule.requirements) {
    if (const auto* gpg = std::get_if<SignedBy>(&requirement))
      fuzz::check(!gpg->keys.empty(), "a key is named");
    const auto* sigstore = std::get_if<SigstoreSigned>(&requirement);
    if (sigstore == nullptr) continue;
    fuzz::check(sigstore->keys.empty() == sigstore->fulcio.has_value(), "somebody may sign");
    fuzz::check(!sigstore->fulcio || !sigstore->rekor.empty(), "a certificate's time is known");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto policy = parsePolicy(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!policy) return 0;
  for (const char* name : {"busybox", "quay.io/team/app:1", "a.b.example.com:5000/x"})
    checkRule(*policy, name);
  return 0;
}
