#include "daemons/storaged/schema1-completion.h"

#include <capnp/message.h>

#include "daemons/common/base/log.h"
#include "daemons/storaged/worker-answer.h"
#include "ipc/convert.h"
#include "ipc/limits.h"

namespace bulkhead::storaged {
namespace {

using Completed = Outcome<VerifiedImage>;

// As for parsing (image-store.cc): milliseconds, unless the worker is hostile or stuck.
constexpr auto convertLimit = 30 * kj::SECONDS;

Outcome<std::string> convert(WorkerPipes worker, const VerifiedImage& image) {
  capnp::MallocMessageBuilder message;
  auto to = message.initRoot<schema::ParseInput>().initConvert();
  to.setManifest(ipc::toData(image.schema1));
  auto ids = to.initDiffIds(static_cast<capnp::uint>(image.layers.size()));
  for (capnp::uint i = 0; i < ids.size(); ++i) ids.set(i, image.layers[i].diffId.text());
  (void)ipc::writeMessage(worker.input.get(), message);
  auto answer = readAnswer(worker, Answer::CONVERTED);
  if (!answer) return tl::unexpected(answer.error());
  std::string config = ipc::toString(answer->as<schema::WorkerResult>().getConverted());
  if (config.size() > limits::document) return refuse(Code::resourceExhausted, "config", "is too large");
  return config;
}

Completed complete(VerifiedImage image, WorkerPipes converter, const WorkerPipes& reader) {
  try {
    auto config = convert(std::move(converter), image);
    if (!config) return tl::unexpected(config.error());
    capnp::MallocMessageBuilder message;
    message.initRoot<schema::ParseInput>().setConfig(ipc::toData(*config));
    (void)ipc::writeMessage(reader.input.get(), message);
    auto read = readAnswer(reader, Answer::CONFIG);
    if (!read) return tl::unexpected(read.error());
    return withConfig(std::move(image), *std::move(config), read->as<schema::WorkerResult>().getConfig());
  } catch (const kj::Exception&) {  // a message that is no message, deeper than its root
    log::warning("a parse worker answered nonsense");
    return refuse(Code::internal, "", "a storage worker ended without an answer");
  }
}

}  // namespace

kj::Promise<Completed> completeSchema1(Parts& parts, VerifiedImage image) {
  Worker converter = parts.zygote.parse();
  Worker reader = parts.zygote.parse();
  std::vector<WorkerLease> leases;
  leases.push_back(std::move(converter.lease));
  leases.push_back(std::move(reader.lease));
  auto completed = parts.offLoop.run<Completed>([image = std::move(image), first = std::move(converter.pipes),
                                                 second = std::move(reader.pipes)]() mutable {
    return complete(std::move(image), std::move(first), second);
  });
  return killedAfter(parts.timer, convertLimit, std::move(leases), kj::mv(completed));
}

}  // namespace bulkhead::storaged
