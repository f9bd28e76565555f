// What a fetcher reads out of a registry's JSON: only which document to ask for next. storaged parses the
// same bytes again, verified, and believes nothing that is said here.
#pragma once

#include <cstdint>
#include <string>

#include "daemons/common/base/digest.h"
#include "daemons/common/base/error.h"
#include "daemons/imaged/fetcher/platform.h"

namespace bulkhead::fetcher {

// OCI image-spec, descriptor.md: the part that we use.
struct Descriptor {
  Digest digest;
  std::uint64_t size = 0;
};

enum class DocumentKind { index, manifest, schema1 };

// Refuses (failedPrecondition) what is none of them and what is two of them (CVE-2021-41190).
Outcome<DocumentKind> kindOf(const std::string& document);
// The manifest for `wanted` in an index. Refuses failedPrecondition if there is none, invalidArgument if its
// descriptor is malformed.
Outcome<Descriptor> chooseManifest(const std::string& index, const Platform& wanted);
// A manifest's config.
Outcome<Descriptor> configOf(const std::string& manifest);

}  // namespace bulkhead::fetcher
