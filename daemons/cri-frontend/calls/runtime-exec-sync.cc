#include <algorithm>

#include "daemons/cri-frontend/calls/calls.h"
#include "daemons/cri-frontend/calls/command.h"
#include "daemons/cri-frontend/flows/exec-sync-flow.h"

namespace bulkhead::cri {
Answer<v1::ExecSyncResponse> execSync(Frontend& frontend, const v1::ExecSyncRequest& request) {
  auto container = findRunning(frontend, request.container_id());
  if (!container) return refused<v1::ExecSyncResponse>(container.error());
  auto command = commandOf(request.cmd());
  if (!command) return refused<v1::ExecSyncResponse>(command.error());
  if (request.timeout() < 0)
    return refused<v1::ExecSyncResponse>({Code::invalidArgument, "timeout", "is negative"});
  constexpr int64_t longest = 24 * 24 * 3600;  // seconds whose milliseconds fit 32 bits
  auto timeoutMs = static_cast<uint32_t>(std::min(request.timeout(), longest) * 1000);
  auto executed = ExecSyncFlow::run(frontend, *container, std::move(*command), timeoutMs);
  return executed.then([](Outcome<ExecOutput>&& output) -> Outcome<v1::ExecSyncResponse> {
    if (!output) return tl::unexpected(output.error());
    v1::ExecSyncResponse response;
    response.set_stdout(std::move(output->out));
    response.set_stderr(std::move(output->err));
    response.set_exit_code(output->exitCode);
    return response;
  });
}

}  // namespace bulkhead::cri
