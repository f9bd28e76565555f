// Docker's image manifest v2, schema 1: what registries served until 2016, signed or not. It has no config
// and no diff ids; an image's config is made of its history once the layers' content is known.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/common/base/digest.h"
#include "daemons/common/base/error.h"

namespace bulkhead::worker {

struct Schema1 {
  struct Layer {
    Digest digest;  // of the gzip-compressed bytes; their number is not said
    bool empty;     // "throwaway": the step changed no files, and its blob is not fetched
  };
  std::vector<Layer> layers;  // base first
  // What the digest of a signed manifest is of: its first bytes and a tail (manifest-v2-1.md, "Signed
  // Manifests"). No tail: the whole document.
  std::uint64_t payloadBytes = 0;
  std::string payloadTail;
};

// Whether a manifest says that it is one.
bool saysSchema1(std::string_view manifest);

// Nothing is said about the signature itself: its keys are the builder's own. Refusals are invalidArgument
// and name the field: "manifest.history[3]".
Outcome<Schema1> parseSchema1(std::string_view manifest);

// The config of the same image: the newest step's settings, the history, and `diffIds` of the layers that are
// not empty, base first. One manifest and the same ids always give the same bytes.
Outcome<std::string> configOfSchema1(std::string_view manifest, const std::vector<Digest>& diffIds);

}  // namespace bulkhead::worker
