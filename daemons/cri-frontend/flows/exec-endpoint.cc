#include "daemons/cri-frontend/flows/exec-endpoint.h"

#include "daemons/cri-frontend/translate/peer-fields.h"

namespace bulkhead::cri {
namespace {

constexpr uint32_t noTimeout = 0;

}  // namespace

ExecEndpoint::ExecEndpoint(Frontend& frontend, const ContainerId& container,
                           const std::vector<std::string>& command, bool withInput)
    : running_(nullptr) {
  Pipe in, out = makePipe(), err = makePipe();
  if (withInput) in = makePipe();
  running_ = frontend.launcher.exec(container, command, noTimeout,
                                    {std::move(in.read), std::move(out.write), std::move(err.write)});
  ours_ = {std::move(in.write), std::move(out.read), std::move(err.read)};
}

Answer<int> ExecEndpoint::ended() {
  return exitCodeOf(kj::mv(running_));
}

Answer<int> exitCodeOf(Answer<ExecResult> running) {
  return running.then([](Outcome<ExecResult>&& result) -> Outcome<int> {
    if (!result) return tl::unexpected<Refusal>(inCriTerms(std::move(result.error()), Asked::call));
    // Nobody asked for a timeout: the launcher thinks that we have hung up.
    if (result->timedOut) return refuse(Code::unavailable, "", "the command was given up");
    return result->exitCode;
  });
}

}  // namespace bulkhead::cri
