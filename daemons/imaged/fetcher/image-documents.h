// The documents that make an image: index if there is one, manifest, config.
#pragma once

#include <string>

#include "daemons/common/base/image-ref.h"
#include "daemons/imaged/fetcher/documents.h"
#include "daemons/imaged/fetcher/registry-client.h"

namespace bulkhead::fetcher {

struct ImageDocuments {
  std::string index;  // empty: the reference led straight to a manifest
  std::string manifest;
  std::string config;
};

// By digest if the reference has one, else by tag. Refuses failedPrecondition an index inside an index, and a
// document that is not the digest's: storaged would refuse it too, but another source may have the right one.
// With `schema1` a manifest of Docker's schema 1 is taken, which has no config, and whose digest is of a part
// of it (manifest-v2-1.md, "Signed Manifests") that storaged knows how to find.
Outcome<ImageDocuments> fetchDocuments(RegistryClient& client, const ImageReference& reference,
                                       const Platform& platform, bool schema1);

}  // namespace bulkhead::fetcher
