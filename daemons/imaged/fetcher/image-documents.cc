#include "daemons/imaged/fetcher/image-documents.h"

#include "ipc/limits.h"

namespace bulkhead::fetcher {
namespace {

// Moves the index aside and fetches the manifest that it names for `platform`.
Outcome<void> descend(RegistryClient& client, const Platform& platform, ImageDocuments& documents) {
  auto chosen = chooseManifest(documents.manifest, platform);
  if (!chosen) return tl::unexpected(chosen.error());
  if (chosen->size > limits::document)
    return refuse(Code::resourceExhausted, "manifest", "is larger than 4 MiB");
  auto manifest = client.manifest(chosen->digest.text());
  if (!manifest) return tl::unexpected(manifest.error());
  documents.index = std::move(documents.manifest);
  documents.manifest = std::move(*manifest);
  auto kind = kindOf(documents.manifest);
  if (!kind) return tl::unexpected(kind.error());
  if (*kind == DocumentKind::index)
    return refuse(Code::failedPrecondition, "manifest", "is an index inside an index");
  return {};
}

}  // namespace

Outcome<ImageDocuments> fetchDocuments(RegistryClient& client, const ImageReference& reference,
                                       const Platform& platform) {
  auto first = client.manifest(reference.digest() ? reference.digest()->text() : reference.tag());
  if (!first) return tl::unexpected(first.error());
  ImageDocuments documents{{}, std::move(*first), {}};
  auto kind = kindOf(documents.manifest);
  if (!kind) return tl::unexpected(kind.error());
  if (*kind == DocumentKind::index) {
    auto descended = descend(client, completed(platform), documents);
    if (!descended) return tl::unexpected(descended.error());
  }
  auto config = configOf(documents.manifest);
  if (!config) return tl::unexpected(config.error());
  auto bytes = client.smallBlob(config->digest, config->size);
  if (!bytes) return tl::unexpected(bytes.error());
  documents.config = std::move(*bytes);
  return documents;
}

}  // namespace bulkhead::fetcher
