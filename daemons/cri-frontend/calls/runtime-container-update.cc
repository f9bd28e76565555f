#include "daemons/cri-frontend/calls/upkeep-calls.h"
#include "daemons/cri-frontend/flows/update-container-flow.h"

namespace bulkhead::cri {

// Annotations of an update are for experiments of other runtimes; they change nothing.
Answer<v1::UpdateContainerResourcesResponse> updateContainerResources(
    Frontend& frontend, const v1::UpdateContainerResourcesRequest& request) {
  using Response = v1::UpdateContainerResourcesResponse;
  auto container = findContainer(frontend, request.container_id());
  if (!container) return refused<Response>(container.error());
  if (request.has_windows())
    return refused<Response>({Code::invalidArgument, "windows", "is not for this node"});
  auto state = (*container)->record.state();
  if (state != record::Container::CREATED && state != record::Container::RUNNING)
    return refused<Response>({Code::failedPrecondition, "container_id", "the container has ended"});
  return andThen(UpdateContainerFlow::run(frontend, *container, request.linux()),
                 []() -> Answer<Response> { return Outcome<Response>({}); });
}

}  // namespace bulkhead::cri
