#include "daemons/cri-frontend/calls/answers.h"
#include "daemons/cri-frontend/calls/verbose.h"
#include "daemons/cri-frontend/clock.h"

namespace bulkhead::cri {

Answer<v1::PodSandboxStatusResponse> podSandboxStatus(Frontend& frontend,
                                                      const v1::PodSandboxStatusRequest& request) {
  auto pod = findPod(frontend, request.pod_sandbox_id());
  if (!pod) return refused<v1::PodSandboxStatusResponse>(pod.error());
  v1::PodSandboxStatusResponse response;
  *response.mutable_status() = podStatusOf(**pod);
  // The time belongs to the container statuses: never one without the other (kubernetes#129990).
  for (const auto& container : frontend.containers.ofPod((*pod)->id)) {
    if (container->record.state() == record::Container::CREATING) continue;
    *response.add_containers_statuses() = containerStatusOf(*container);
  }
  response.set_timestamp(nowNanoseconds());
  if (request.verbose()) (*response.mutable_info())["info"] = verboseInfo(**pod);
  return Outcome<v1::PodSandboxStatusResponse>(std::move(response));
}

}  // namespace bulkhead::cri
