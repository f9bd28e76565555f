#include "daemons/storaged/worker-answer.h"

#include "daemons/common/base/log.h"
#include "ipc/convert.h"
#include "ipc/limits.h"

namespace bulkhead::storaged {
namespace {

Refusal printableRefusal(schema::Refusal::Reader from) {
  Refusal refusal = ipc::readRefusal(from);
  bool judged = refusal.code == Code::invalidArgument || refusal.code == Code::failedPrecondition ||
                refusal.code == Code::resourceExhausted;
  if (!judged) refusal.code = Code::internal;
  return {refusal.code, log::printable(refusal.field, 128), log::printable(refusal.reason, 256)};
}

tl::unexpected<Refusal> silent(const char* why) {
  log::warning("a worker gave no answer", {{"why", why}});
  return refuse(Code::internal, "", "a storage worker ended without an answer");
}

}  // namespace

Outcome<ipc::Packet> readAnswer(int resultPipe, Answer expected) {
  try {
    auto packet = ipc::readMessage(resultPipe, limits::packetBody);
    if (!packet) return silent("it died");
    auto result = packet->as<schema::WorkerResult>();
    if (result.isRefused()) return tl::unexpected(printableRefusal(result.getRefused()));
    if (result.which() != expected) return silent("it answered something else");
    return std::move(*packet);
  } catch (const std::exception&) {
    return silent("its answer is malformed");
  }
}

kj::Promise<Outcome<ipc::Packet>> awaitAnswer(OffLoop& offLoop, kj::Timer& timer, Worker worker,
                                              Answer expected, kj::Duration limit) {
  auto answer = offLoop.run<Outcome<ipc::Packet>>(
      [pipes = std::move(worker.pipes), expected]() { return readAnswer(pipes.result.get(), expected); });
  return killedAfter(timer, limit, std::move(worker.lease), kj::mv(answer));
}

}  // namespace bulkhead::storaged
