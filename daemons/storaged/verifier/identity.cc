// Matching of claimed names as containers/image does it (signature/policy_reference_match.go).
#include "daemons/storaged/verifier/policy.h"

namespace bulkhead::verifier {
namespace {

bool same(const ImageName& claimed, const ImageName& wanted) {
  return !claimed.isRepository() && !wanted.isRepository() && claimed == wanted;
}

bool sameOrOfItsRepository(const ImageName& claimed, const ImageName& asked) {
  if (claimed.isRepository()) return false;
  // What was asked for by digest has no tag that a signature could agree with; the digest is compared anyway.
  if (asked.tag().empty() && !asked.digest().empty()) return claimed.repository() == asked.repository();
  return same(claimed, asked);
}

ImageName remapped(const ImageName& asked, const std::string& prefix, const std::string& signedPrefix) {
  const std::string& repository = asked.repository();
  bool within = repository.starts_with(prefix) &&
                (repository.size() == prefix.size() || repository[prefix.size()] == '/');
  return within ? asked.in(signedPrefix + repository.substr(prefix.size())) : asked;
}

}  // namespace

bool Identity::accepts(const ImageName& claimed, const ImageName& asked) const {
  switch (kind) {
    case Kind::matchExact:
      return same(claimed, asked);
    case Kind::matchRepoDigestOrExact:
      return sameOrOfItsRepository(claimed, asked);
    case Kind::matchRepository:
      return claimed.repository() == asked.repository();
    case Kind::exactReference:
      return same(claimed, *name);
    case Kind::exactRepository:
      return claimed.repository() == name->repository();
    case Kind::remapIdentity:
      return sameOrOfItsRepository(claimed, remapped(asked, prefix, signedPrefix));
  }
  return false;
}

}  // namespace bulkhead::verifier
