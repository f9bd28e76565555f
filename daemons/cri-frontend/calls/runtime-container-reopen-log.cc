#include "daemons/cri-frontend/calls/upkeep-calls.h"
#include "daemons/cri-frontend/flows/reopen-log-flow.h"

namespace bulkhead::cri {

Answer<v1::ReopenContainerLogResponse> reopenContainerLog(Frontend& frontend,
                                                          const v1::ReopenContainerLogRequest& request) {
  using Response = v1::ReopenContainerLogResponse;
  auto container = findContainer(frontend, request.container_id());
  if (!container) return refused<Response>(container.error());
  if ((*container)->record.state() != record::Container::RUNNING)
    return refused<Response>({Code::failedPrecondition, "container_id", "the container is not running"});
  return andThen(ReopenLogFlow::run(frontend, (*container)->id),
                 []() -> Answer<Response> { return Outcome<Response>({}); });
}

}  // namespace bulkhead::cri
