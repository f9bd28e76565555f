#include "daemons/storaged/verifier/reasons.h"

#include <algorithm>

#include "daemons/common/base/log.h"

namespace bulkhead::verifier {
namespace {

constexpr size_t mostShown = 3;
constexpr size_t shownBytes = 128;

}  // namespace

Outcome<void> covers(const Outcome<Claim>& claim, const Identity& identity, const Candidate& candidate) {
  if (!claim) return tl::unexpected(claim.error());
  const auto& digests = candidate.digests;
  if (std::find(digests.begin(), digests.end(), claim->digest) == digests.end())
    return refuse(Code::failedPrecondition, "", "it is for another image");
  if (!identity.accepts(claim->name, candidate.name)) {
    return refuse(Code::failedPrecondition, "",
                  "it is for the name " + log::printable(claim->name.text(), shownBytes));
  }
  return {};
}

void Reasons::add(const Refusal& why) {
  if (++count_ > mostShown) return;
  reasons_ += (reasons_.empty() ? "" : "; ") + why.reason;
}

tl::unexpected<Refusal> Reasons::refusal() const {
  if (count_ == 0) return refuse(Code::failedPrecondition, "", "there is no " + kind_ + " signature");
  std::string more = count_ > mostShown ? "; and " + std::to_string(count_ - mostShown) + " more" : "";
  return refuse(Code::failedPrecondition, "", "no " + kind_ + " signature is good: " + reasons_ + more);
}

}  // namespace bulkhead::verifier
