#include "daemons/cri-frontend/calls/command.h"
#include "daemons/cri-frontend/calls/streaming-calls.h"
#include "daemons/cri-frontend/flows/exec-endpoint.h"
#include "daemons/cri-frontend/streaming/server.h"

namespace bulkhead::cri {
namespace {

using streaming::Wanted;

Outcome<Wanted> wantedBy(const v1::ExecRequest& request) {
  if (request.tty()) return refuse(Code::failedPrecondition, "tty", "terminals are not served yet");
  if (!request.stdin() && !request.stdout() && !request.stderr())
    return invalid("", "none of stdin, stdout and stderr is asked for");
  return Wanted{request.stdin(), request.stdout(), request.stderr(), request.tty()};
}

// The token is this container's and this command's; whether it still runs is looked at again.
streaming::Session::Start startOf(Frontend& frontend, const ContainerId& id, std::vector<std::string> command,
                                  bool withInput) {
  return [&frontend, id, command = std::move(command), withInput]() -> Answer<kj::Own<streaming::Endpoint>> {
    auto container = findRunning(frontend, id.text());
    if (!container) return refused<kj::Own<streaming::Endpoint>>(container.error());
    kj::Own<streaming::Endpoint> endpoint = kj::heap<ExecEndpoint>(frontend, id, command, withInput);
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
  if (frontend.streaming == nullptr)
    return refused<v1::ExecResponse>({Code::failedPrecondition, "", "nothing is listening for streams"});
  auto start = startOf(frontend, (*container)->id, std::move(*command), wanted->in);
  auto url = frontend.streaming->offer({streaming::Kind::exec, *wanted, std::move(start)});
  if (!url) return refused<v1::ExecResponse>(url.error());
  v1::ExecResponse response;
  response.set_url(*url);
  return Outcome<v1::ExecResponse>(std::move(response));
}

}  // namespace bulkhead::cri
