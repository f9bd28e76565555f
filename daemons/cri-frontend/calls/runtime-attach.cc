#include "daemons/cri-frontend/calls/command.h"
#include "daemons/cri-frontend/calls/streaming-calls.h"
#include "daemons/cri-frontend/flows/attach-endpoint.h"

namespace bulkhead::cri {
namespace {

using Opened = kj::Own<streaming::Endpoint>;

// The token is this container's; whether it still runs is looked at again.
streaming::Session::Start startOf(Frontend& frontend, const ContainerId& id, streaming::Wanted wanted) {
  return [&frontend, id, wanted]() -> Answer<Opened> {
    auto container = findRunning(frontend, id.text());
    if (!container) return refused<Opened>(container.error());
    return AttachEndpoint::open(frontend, *container, wanted);
  };
}

}  // namespace

Answer<v1::AttachResponse> attach(Frontend& frontend, const v1::AttachRequest& request) {
  auto container = findRunning(frontend, request.container_id());
  if (!container) return refused<v1::AttachResponse>(container.error());
  if (request.tty() != (*container)->record.config().tty())
    return refused<v1::AttachResponse>(
        {Code::invalidArgument, "tty",
         request.tty() ? "the container has no terminal" : "the container has one"});
  auto wanted = wantedBy(request);
  if (!wanted) return refused<v1::AttachResponse>(wanted.error());
  auto start = startOf(frontend, (*container)->id, *wanted);
  return offerUrl<v1::AttachResponse>(frontend, {streaming::Kind::attach, *wanted, std::move(start)});
}

}  // namespace bulkhead::cri
