#include <algorithm>

#include "daemons/cri-frontend/calls/calls.h"
#include "daemons/cri-frontend/flows/exec-sync-flow.h"
#include "daemons/cri-frontend/translate/fields.h"
#include "daemons/cri-frontend/translate/first-refusal.h"
#include "ipc/limits.h"

namespace bulkhead::cri {
namespace {

Outcome<std::vector<std::string>> commandOf(const v1::ExecSyncRequest& request) {
  FirstRefusal no;
  size_t total = 0;
  no.unless(request.cmd_size() > 0 && !request.cmd(0).empty(), "cmd", "is empty");
  for (int i = 0; i < request.cmd_size(); ++i) {
    no.note(checkArgument(request.cmd(i), indexed("cmd", i)));
    total += request.cmd(i).size() + 1;
  }
  no.unless(total <= limits::argumentsTotal, "cmd", "is longer than 2 MiB in all");
  no.unless(request.timeout() >= 0, "timeout", "is negative");
  if (no) return no.refusal();
  return std::vector<std::string>(request.cmd().begin(), request.cmd().end());
}

}  // namespace

Answer<v1::ExecSyncResponse> execSync(Frontend& frontend, const v1::ExecSyncRequest& request) {
  auto container = findContainer(frontend, request.container_id());
  if (!container) return refused<v1::ExecSyncResponse>(container.error());
  auto command = commandOf(request);
  if (!command) return refused<v1::ExecSyncResponse>(command.error());
  if ((*container)->record.state() != record::Container::RUNNING) {
    return refused<v1::ExecSyncResponse>(
        {Code::failedPrecondition, "container_id", "the container is not running"});
  }
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
