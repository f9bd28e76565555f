#include "daemons/imaged/fetcher/image-documents.h"

#include "daemons/common/base/digest-stream.h"
#include "ipc/limits.h"

namespace bulkhead::fetcher {
namespace {

Outcome<void> checkDigest(const RegistryClient& client, const Digest& wanted, const std::string& document) {
  Digest digest = digestOf(document);
  if (digest.hex() == wanted.hex()) return {};
  return refuse(
      Code::failedPrecondition, "",
      client.who() + " answers with " + digest.text() + ", and the reference asks for " + wanted.text());
}

// A manifest, checked where its digest is known.
Outcome<std::string> manifestBy(RegistryClient& client, const Digest& digest) {
  auto document = client.manifest(digest.text());
  if (!document) return document;
  auto right = checkDigest(client, digest, *document);
  return right ? document : tl::unexpected(right.error());
}

// OCI image-spec, manifest.md, "Guidance for an Empty Descriptor": an artifact without configuration has this
// one, and nobody needs to be asked what it contains.
constexpr std::string_view emptyConfig = "{}";
constexpr const char* emptyDigest = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

Outcome<std::string> fetchConfig(RegistryClient& client, const Descriptor& config) {
  bool empty = config.size == emptyConfig.size() && config.digest.hex() == emptyDigest;
  if (empty) return std::string(emptyConfig);
  auto bytes = client.smallBlob(config.digest, config.size);
  if (!bytes) return bytes;
  auto right = checkDigest(client, config.digest, *bytes);
  return right ? bytes : tl::unexpected(right.error());
}

// Moves the index aside and fetches the manifest that it names for `platform`.
Outcome<void> descend(RegistryClient& client, const Platform& platform, ImageDocuments& documents) {
  auto chosen = chooseManifest(documents.manifest, platform);
  if (!chosen) return tl::unexpected(chosen.error());
  if (chosen->size > limits::document)
    return refuse(Code::resourceExhausted, "manifest", "is larger than 4 MiB");
  auto manifest = manifestBy(client, chosen->digest);
  if (!manifest) return tl::unexpected(manifest.error());
  documents.index = std::move(documents.manifest);
  documents.manifest = std::move(*manifest);
  auto kind = kindOf(documents.manifest);
  if (!kind) return tl::unexpected(kind.error());
  if (*kind == DocumentKind::manifest) return {};
  return refuse(Code::failedPrecondition, "manifest",
                *kind == DocumentKind::index ? "is an index inside an index" : "is of Docker's schema 1");
}

}  // namespace

Outcome<ImageDocuments> fetchDocuments(RegistryClient& client, const ImageReference& reference,
                                       const Platform& platform, bool schema1) {
  auto first = client.manifest(reference.digest() ? reference.digest()->text() : reference.tag());
  if (!first) return tl::unexpected(first.error());
  ImageDocuments documents{{}, std::move(*first), {}};
  auto kind = kindOf(documents.manifest);
  if (kind && *kind == DocumentKind::schema1) {
    if (schema1) return documents;
    return refuse(Code::failedPrecondition, "manifest",
                  "is of Docker's schema 1, which pull.schema1 does not allow");
  }
  if (reference.digest()) {
    auto right = checkDigest(client, *reference.digest(), documents.manifest);
    if (!right) return tl::unexpected(right.error());
  }
  if (!kind) return tl::unexpected(kind.error());
  if (*kind == DocumentKind::index) {
    auto descended = descend(client, completed(platform), documents);
    if (!descended) return tl::unexpected(descended.error());
  }
  auto config = configOf(documents.manifest);
  if (!config) return tl::unexpected(config.error());
  auto bytes = fetchConfig(client, *config);
  if (!bytes) return tl::unexpected(bytes.error());
  documents.config = std::move(*bytes);
  return documents;
}

}  // namespace bulkhead::fetcher
