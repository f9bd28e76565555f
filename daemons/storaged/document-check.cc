#include "daemons/storaged/document-check.h"

#include <capnp/message.h>

#include "daemons/common/base/log.h"
#include "daemons/storaged/worker-answer.h"
#include "ipc/convert.h"
#include "ipc/packet.h"

namespace bulkhead::storaged {
namespace {

void writeInput(Fd input, const Documents& documents) {
  capnp::MallocMessageBuilder message;
  auto to = message.initRoot<schema::ParseInput>().initDocuments();
  to.setIndex(ipc::toData(documents.index));
  to.setManifest(ipc::toData(documents.manifest));
  to.setConfig(ipc::toData(documents.config));
  // A worker that stopped reading has something to say; its answer is read next.
  (void)ipc::writeMessage(input.get(), message);
}

}  // namespace

Outcome<VerifiedImage> checkDocuments(const ImageReference& reference, const Documents& documents,
                                      WorkerPipes parser) {
  writeInput(std::move(parser.input), documents);
  auto answer = readAnswer(parser.result.get(), Answer::PARSED);
  if (!answer) return tl::unexpected(answer.error());
  try {
    return checkChain(reference, documents, answer->as<schema::WorkerResult>().getParsed());
  } catch (const kj::Exception&) {  // a message that is no message, deeper than its root
    log::warning("a parse worker answered nonsense");
    return refuse(Code::internal, "", "a storage worker ended without an answer");
  }
}

}  // namespace bulkhead::storaged
