#include "daemons/storaged/document-check.h"

#include <capnp/message.h>

#include "daemons/common/base/log.h"
#include "daemons/storaged/worker-answer.h"
#include "ipc/convert.h"
#include "ipc/packet.h"

namespace bulkhead::storaged {
namespace {

// A worker that stopped reading has something to say; its answer is read next.
void sendManifest(Fd input, const Documents& documents) {
  capnp::MallocMessageBuilder message;
  auto to = message.initRoot<schema::ParseInput>().initManifest();
  to.setIndex(ipc::toData(documents.index));
  to.setManifest(ipc::toData(documents.manifest));
  (void)ipc::writeMessage(input.get(), message);
}

void sendConfig(Fd input, const std::string& config) {
  capnp::MallocMessageBuilder message;
  message.initRoot<schema::ParseInput>().setConfig(ipc::toData(config));
  (void)ipc::writeMessage(input.get(), message);
}

// What the digest of a manifest of schema 1 is of (manifest-v2-1.md, "Signed Manifests").
Outcome<std::string> payloadOf(const std::string& manifest, schema::ParsedManifest::Reader claimed) {
  if (claimed.getPayloadTail().size() == 0) return manifest;
  if (claimed.getPayloadBytes() > manifest.size())
    return invalid("manifest.signatures", "do not say what is signed");
  return manifest.substr(0, claimed.getPayloadBytes()) + ipc::toString(claimed.getPayloadTail());
}

// A second worker reads the payload, and nothing else: what stands beside it in the document is not what the
// digest is of.
Outcome<VerifiedImage> checkOldDocuments(const ImageReference& reference, const Documents& documents,
                                         schema::ParsedManifest::Reader frame, WorkerPipes second) {
  auto payload = payloadOf(documents.manifest, frame);
  if (!payload) return tl::unexpected(payload.error());
  sendManifest(std::move(second.input), {{}, *payload, {}});
  auto manifest = readAnswer(second, Answer::MANIFEST);
  if (!manifest) return tl::unexpected(manifest.error());
  auto claimed = manifest->as<schema::WorkerResult>().getManifest();
  bool plain = claimed.getSchema1() && claimed.getPayloadTail().size() == 0;
  if (!plain) return invalid("manifest.signatures", "are signed themselves");
  return checkSchema1(reference, *payload, claimed);
}

}  // namespace

Outcome<VerifiedImage> checkDocuments(const ImageReference& reference, const Documents& documents,
                                      ParserPipes parsers) {
  sendManifest(std::move(parsers.manifest.input), documents);
  bool hasConfig = !documents.config.empty();
  if (hasConfig) sendConfig(std::move(parsers.config.input), documents.config);
  auto manifest = readAnswer(parsers.manifest, Answer::MANIFEST);
  if (!manifest) return tl::unexpected(manifest.error());
  try {
    auto claimed = manifest->as<schema::WorkerResult>().getManifest();
    bool old = claimed.getSchema1() && documents.index.empty();
    if (!hasConfig && old) return checkOldDocuments(reference, documents, claimed, std::move(parsers.config));
    if (!hasConfig || old) return invalid("config", "is of another kind than the manifest");
    auto config = readAnswer(parsers.config, Answer::CONFIG);
    if (claimed.getArtifact()) return checkChain(reference, documents, claimed, {});
    if (!config) return tl::unexpected(config.error());
    return checkChain(reference, documents, claimed, config->as<schema::WorkerResult>().getConfig());
  } catch (const kj::Exception&) {  // a message that is no message, deeper than its root
    log::warning("a parse worker answered nonsense");
    return refuse(Code::internal, "", "a storage worker ended without an answer");
  }
}

}  // namespace bulkhead::storaged
