#include "daemons/cri-frontend/calls/answers.h"
#include "daemons/cri-frontend/calls/verbose.h"

namespace bulkhead::cri {

Answer<v1::ContainerStatusResponse> containerStatus(Frontend& frontend,
                                                    const v1::ContainerStatusRequest& request) {
  auto container = findContainer(frontend, request.container_id());
  if (!container) return refused<v1::ContainerStatusResponse>(container.error());
  v1::ContainerStatusResponse response;
  *response.mutable_status() = containerStatusOf(**container);
  if (!request.verbose()) return Outcome<v1::ContainerStatusResponse>(std::move(response));
  auto pod = frontend.pods.find((*container)->podId);
  auto asked = frontend.launcher.inspect((*container)->id);
  return asked.then(
      [container = *container, pod, response = std::move(response)](Outcome<ContainerFacts>&& facts) mutable {
        (*response.mutable_info())["info"] = verboseInfo(*container, pod.get(), facts);
        return Outcome<v1::ContainerStatusResponse>(std::move(response));
      });
}

}  // namespace bulkhead::cri
