#include "daemons/cri-frontend/flows/exec-sync-flow.h"

#include <algorithm>

#include "daemons/cri-frontend/translate/peer-fields.h"
#include "ipc/limits.h"

namespace bulkhead::cri {
namespace {

// Frame, exit code and field lengths of the answer.
constexpr size_t answerFrame = 4096;
// An output that overflows must not push the other one out of the answer altogether.
constexpr size_t atLeast = 64 * 1024;

void fitTogether(std::string& out, std::string& err) {
  constexpr size_t room = limits::grpcMessage - answerFrame;
  if (out.size() + err.size() <= room) return;
  err.resize(std::min(err.size(), std::max(atLeast, room - std::min(room, out.size()))));
  out.resize(std::min(out.size(), room - err.size()));
}

}  // namespace

Answer<ExecOutput> ExecSyncFlow::run(Frontend& frontend, ContainerRef container,
                                     std::vector<std::string> args, uint32_t timeoutMs) {
  auto flow = kj::heap<ExecSyncFlow>(frontend, makePipe(), makePipe());
  auto& self = *flow;
  auto launched = self.launch(frontend, *container, args, timeoutMs);
  auto ended = launched.then([&self](Outcome<ExecResult>&& result) -> Outcome<ExecOutput> {
    if (!result) return tl::unexpected<Refusal>(inCriTerms(std::move(result.error()), Asked::call));
    return self.finish(*result);
  });
  return ended.attach(kj::mv(flow));
}

ExecSyncFlow::ExecSyncFlow(Frontend& frontend, Pipe out, Pipe err)
    : outWriter_(std::move(out.write)),
      errWriter_(std::move(err.write)),
      out_(frontend.loop.port, std::move(out.read), limits::execOutput),
      err_(frontend.loop.port, std::move(err.read), limits::execOutput),
      drainingOut_(out_.run().eagerlyEvaluate(nullptr)),
      drainingErr_(err_.run().eagerlyEvaluate(nullptr)) {}

Answer<ExecResult> ExecSyncFlow::launch(Frontend& frontend, const Container& container,
                                        const std::vector<std::string>& args, uint32_t timeoutMs) {
  return frontend.launcher.exec(container.id, args, timeoutMs,
                                {Fd(), std::move(outWriter_), std::move(errWriter_)});
}

Outcome<ExecOutput> ExecSyncFlow::finish(const ExecResult& result) {
  if (result.timedOut) {
    return refuse(Code::deadlineExceeded, "timeout", "the command did not end in time and was killed");
  }
  ExecOutput output{out_.finish(), err_.finish(), result.exitCode};
  fitTogether(output.out, output.err);
  return output;
}

}  // namespace bulkhead::cri
