// The signatures of an image, from where its source keeps them.
#pragma once

#include <vector>

#include "daemons/imaged/fetcher/found-signature.h"
#include "daemons/imaged/fetcher/registry-client.h"

namespace bulkhead::fetcher {

struct SignatureSearch {
  bool simple = false;  // of containers-signature(5): from the registry's extension, else the lookaside store
  bool sigstore = false;  // cosign's, attached by tag
  std::string lookaside;  // as registries.d says of the source; empty: none
  bool attachments = true;
};

// Those of each of `digests` (an index, a manifest); none is no refusal, a place that should have them and
// does not answer is one (unavailable), and so are more or larger ones than ipc/limits.h allows
// (resourceExhausted).
Outcome<std::vector<FoundSignature>> findSignatures(RegistryClient& client, const SignatureSearch& search,
                                                    const std::vector<Digest>& digests);

}  // namespace bulkhead::fetcher
