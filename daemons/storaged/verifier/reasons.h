// What the two kinds of signatures have in common: does a claim that holds mean this image, and why was none
// good enough?
#pragma once

#include <string>

#include "daemons/storaged/verifier/claim.h"
#include "daemons/storaged/verifier/signatures.h"

namespace bulkhead::verifier {

// Refuses failedPrecondition: another image, another name.
Outcome<void> covers(const Outcome<Claim>& claim, const Identity& identity, const Candidate& candidate);

// Why each signature was not the one.
class Reasons {
 public:
  explicit Reasons(std::string kind) : kind_(std::move(kind)) {}
  void add(const Refusal& why);
  // "no sigstore signature is there", or what was wrong with those that are; the first few of them.
  [[nodiscard]] tl::unexpected<Refusal> refusal() const;

 private:
  std::string kind_;
  std::string reasons_;
  size_t count_ = 0;
};

}  // namespace bulkhead::verifier
