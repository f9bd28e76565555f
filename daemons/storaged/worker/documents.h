// An image's documents: index or manifest list, manifest, configuration (OCI image-spec 1.1; Docker image
// manifest v2 schema 2). Read strictly: a document that could be taken for another kind is refused
// (CVE-2021-41190).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemons/common/base/digest.h"
#include "daemons/common/base/error.h"
#include "daemons/storaged/worker/options.h"

namespace bulkhead::worker {

struct ImageLayer {
  Digest digest;  // of the compressed bytes
  std::uint64_t size;
  Codec codec;
  std::string file;  // of an artifact: the path that these bytes are to have, as they are
};

struct ImageConfig {
  std::string user;
  std::vector<std::string> env;
  std::vector<std::string> entrypoint;
  std::vector<std::string> command;
  std::string workingDirectory;
  std::string stopSignal;
  std::vector<std::string> volumes;
  std::vector<std::pair<std::string, std::string>> labels;
};

struct ImageManifest {
  std::vector<Digest> indexEntries;
  Digest configDigest;
  std::uint64_t configSize;
  std::vector<ImageLayer> layers;  // base first
  std::vector<std::pair<std::string, std::string>> annotations;
  // OCI image-spec 1.1, manifest.md, "Guidelines for Artifact Usage": what the config is, only its users
  // know, and the layers are files.
  bool artifact = false;
};

struct ConfigDocument {
  std::vector<Digest> diffIds;  // of the layers' tars, base first
  ImageConfig config;
};

// Each says what its documents claim; whether digests hold, and whether the two fit each other, is for
// whoever hashes. `index` may be empty. Refusals are invalidArgument and name the field:
// "manifest.layers[3].digest".
Outcome<ImageManifest> parseManifest(std::string_view index, std::string_view manifest);
Outcome<ConfigDocument> parseConfig(std::string_view config);

}  // namespace bulkhead::worker
