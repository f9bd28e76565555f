#include "daemons/cri-frontend/calls/calls.h"
#include "daemons/cri-frontend/flows/remove-container-flow.h"

namespace bulkhead::cri {

Answer<v1::RemoveContainerResponse> removeContainer(Frontend& frontend,
                                                    const v1::RemoveContainerRequest& request) {
  auto container = findContainer(frontend, request.container_id());
  if (!container && container.error().code == Code::notFound) return Outcome<v1::RemoveContainerResponse>({});
  if (!container) return refused<v1::RemoveContainerResponse>(container.error());
  return andThen(removeContainer(frontend, *container), []() -> Answer<v1::RemoveContainerResponse> {
    return Outcome<v1::RemoveContainerResponse>({});
  });
}

}  // namespace bulkhead::cri
