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

}  // namespace

Outcome<VerifiedImage> checkDocuments(const ImageReference& reference, const Documents& documents,
                                      ParserPipes parsers) {
  sendManifest(std::move(parsers.manifest.input), documents);
  sendConfig(std::move(parsers.config.input), documents.config);
  auto manifest = readAnswer(parsers.manifest, Answer::MANIFEST);
  if (!manifest) return tl::unexpected(manifest.error());
  auto config = readAnswer(parsers.config, Answer::CONFIG);
  try {
    auto claimed = manifest->as<schema::WorkerResult>().getManifest();
    if (claimed.getArtifact()) return checkChain(reference, documents, claimed, {});
    if (!config) return tl::unexpected(config.error());
    return checkChain(reference, documents, claimed, config->as<schema::WorkerResult>().getConfig());
  } catch (const kj::Exception&) {  // a message that is no message, deeper than its root
    log::warning("a parse worker answered nonsense");
    return refuse(Code::internal, "", "a storage worker ended without an answer");
  }
}

}  // namespace bulkhead::storaged
