// The digest chain: reference -> index -> manifest -> config -> layers. A parse worker says what the
// documents claim, one the config's and another the rest's; here every claim is held against hashes of our
// own and against the documents' very bytes, so a worker that lies can name no digest that the documents do
// not contain.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "daemons/common/base/digest.h"
#include "daemons/common/base/ids.h"
#include "daemons/common/base/image-ref.h"
#include "ipc/packed-signature.h"
#include "ipc/schema/worker.capnp.h"

namespace bulkhead::storaged {

using Codec = schema::WorkerRequest::Codec;

struct Documents {
  std::string index;  // empty: the reference led straight to a manifest
  std::string manifest;
  std::string config;
  std::vector<ipc::PackedSignature> signatures;  // not part of the chain: for the signature policy
};

struct VerifiedLayer {
  Digest digest;           // of the compressed bytes
  std::uint64_t size = 0;  // compressed; 0: of schema 1, nobody says, and `diffId` is unknownDiffId()
  Digest diffId;           // of the uncompressed bytes; of an artifact's file see fileDiffId()
  Codec codec;
  std::string file;  // not empty: an artifact's, these bytes become the file of this path
  auto operator<=>(const VerifiedLayer&) const = default;
};

struct VerifiedImage {
  ImageId id;
  ImageReference reference;
  Digest topDigest;  // of the document that the reference led to: the index, or the manifest
  Digest manifestDigest;
  std::uint64_t documentBytes = 0;
  std::vector<VerifiedLayer> layers;                             // base first
  std::string user;                                              // of the config
  std::string config;                                            // one serialised schema::ImageConfig
  std::string document;                                          // the config as it came; not an artifact's
  std::vector<std::pair<std::string, std::string>> annotations;  // of the manifest; those that are shown
  bool artifact = false;  // files to be mounted; no container is made of it
  // Not empty: Docker's schema 1, of which this is the manifest. `id` and all of the config are to come
  // (schema1-completion.h).
  std::string schema1;
  std::vector<ipc::PackedSignature> signatures = {};

  // What the image will be known by: "host/path@TOP", and "host/path:tag" unless a digest was asked for,
  // which makes the tag of a reference that has both mere decoration.
  [[nodiscard]] std::vector<std::string> names() const;
};

// Each at most 4 MiB (ipc/limits.h). Refuses resourceExhausted, naming the document; invalidArgument if there
// is no manifest or no config.
Outcome<void> checkSizes(const Documents& documents);

// What stands for the diff id of a file of an artifact, which is no archive: a digest of path and content
// that no archive has, so that no image shares its layer.
Digest fileDiffId(const std::string& file, const Digest& content);

// The id of an artifact: no image has it, whatever a parse worker says that a document is.
Digest artifactId(const Digest& manifest);

// Stands for the diff id of a layer until it is here; no archive has it.
Digest unknownDiffId(const Digest& compressed);

// Of an artifact the config worker's word is not asked for: nobody but its users can read that config.
// Refuses failedPrecondition where a digest does not hold and invalidArgument where the documents are no
// image, both naming the field.
Outcome<VerifiedImage> checkChain(const ImageReference& reference, const Documents& documents,
                                  schema::ParsedManifest::Reader manifest,
                                  schema::ParsedConfig::Reader config);

// The same for Docker's schema 1: `payload` is the part of the document that its digest is of, and `claimed`
// what a worker read in it, and in nothing else.
Outcome<VerifiedImage> checkSchema1(const ImageReference& reference, const std::string& payload,
                                    schema::ParsedManifest::Reader claimed);

// Gives an image of schema 1 its `config` and what a worker that saw nothing else read in it. Refuses
// failedPrecondition if that does not list the layers' diff ids.
Outcome<VerifiedImage> withConfig(VerifiedImage image, std::string config,
                                  schema::ParsedConfig::Reader claimed);

}  // namespace bulkhead::storaged
