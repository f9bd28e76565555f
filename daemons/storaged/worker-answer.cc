#include "daemons/storaged/worker-answer.h"

#include <poll.h>
#include <unistd.h>

#include <array>

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

// Without waiting: what a worker says after its answer is lost.
void passOnLog(int pipe) {
  std::array<char, 1024> words{};
  struct pollfd ready {
    pipe, POLLIN, 0
  };
  if (::poll(&ready, 1, 0) != 1 || (ready.revents & POLLIN) == 0) return;
  ssize_t n = ::read(pipe, words.data(), words.size());
  if (n > 0) log::warning("a worker says", {{"words", std::string(words.data(), static_cast<size_t>(n))}});
}

}  // namespace

Outcome<ipc::Packet> readAnswer(const WorkerPipes& worker, Answer expected,
                                const std::optional<ipc::Patience>& patience) {
  auto after = kj::defer([&]() { passOnLog(worker.log.get()); });
  try {
    auto packet = ipc::readMessage(worker.result.get(), limits::packetBody, patience);
    if (!packet) return silent("it died");
    auto result = packet->as<schema::WorkerResult>();
    if (result.isRefused()) return tl::unexpected(printableRefusal(result.getRefused()));
    if (result.which() != expected) return silent("it answered something else");
    return std::move(*packet);
  } catch (const std::exception&) {
    return silent("its answer is malformed or late");
  }
}

kj::Promise<Outcome<ipc::Packet>> awaitAnswer(OffLoop& offLoop, kj::Timer& timer, Worker worker,
                                              Answer expected, kj::Duration limit) {
  auto answer = offLoop.run<Outcome<ipc::Packet>>(
      [pipes = std::move(worker.pipes), expected]() { return readAnswer(pipes, expected); });
  std::vector<WorkerLease> leases;
  leases.push_back(std::move(worker.lease));
  return killedAfter(timer, limit, std::move(leases), kj::mv(answer));
}

}  // namespace bulkhead::storaged
