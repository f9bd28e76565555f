#include "daemons/cri-frontend/calls/calls.h"
#include "daemons/cri-frontend/flows/start-container-flow.h"

namespace bulkhead::cri {

Answer<v1::StartContainerResponse> startContainer(Frontend& frontend,
                                                  const v1::StartContainerRequest& request) {
  auto container = findContainer(frontend, request.container_id());
  if (!container) return refused<v1::StartContainerResponse>(container.error());
  auto pod = frontend.pods.find((*container)->podId);
  if (!pod || pod->record.state() != record::Pod::READY) {
    return refused<v1::StartContainerResponse>(
        {Code::failedPrecondition, "container_id", "its pod is not ready"});
  }
  return andThen(startContainer(frontend, *container), []() -> Answer<v1::StartContainerResponse> {
    return Outcome<v1::StartContainerResponse>({});
  });
}

}  // namespace bulkhead::cri
