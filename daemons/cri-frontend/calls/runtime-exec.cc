#include "daemons/cri-frontend/calls/command.h"
#include "daemons/cri-frontend/calls/streaming-calls.h"
#include "daemons/cri-frontend/flows/exec-endpoint.h"
#include "daemons/cri-frontend/flows/terminal-endpoint.h"

namespace bulkhead::cri {
namespace {

using streaming::Wanted;

// The token is this container's and this command's; whether it still runs is looked at again.
streaming::Session::Start startOf(Frontend& frontend, const ContainerId& id, std::vector<std::string> command,
                                  Wanted wanted) {
  return [&frontend, id, command = std::move(command), wanted]() -> Answer<kj::Own<streaming::Endpoint>> {
    auto container = findRunning(frontend, id.text());
    if (!container) return refused<kj::Own<streaming::Endpoint>>(container.error());
    if (wanted.tty) return TerminalEndpoint::open(frontend, id, command);
    kj::Own<streaming::Endpoint> endpoint = kj::heap<ExecEndpoint>(frontend, id, command, wanted.in);
    return Outcome<kj::Own<streaming::Endpoint>>(kj::mv(endpoint));
  };
}

}  // namespace

Answer<v1::ExecResponse> exec(Frontend& frontend, const v1::ExecRequest& request) {
  auto container = findRunning(frontend, request.container_id());
  if (!container) return refused<v1::ExecResponse>(container.error());
  auto command = commandOf(request.cmd());
  if (!command) return refused<v1::ExecResponse>(command.error());
  auto wanted = wantedBy(request);
  if (!wanted) return refused<v1::ExecResponse>(wanted.error());
  auto start = startOf(frontend, (*container)->id, std::move(*command), *wanted);
  return offerUrl<v1::ExecResponse>(frontend, {streaming::Kind::exec, *wanted, std::move(start)});
}

}  // namespace bulkhead::cri
