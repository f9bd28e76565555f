#include "daemons/cri-frontend/calls/upkeep-calls.h"

namespace bulkhead::cri {

// The pod's control group is the kubelet's, which has changed it before it calls; there is no process of the
// pod's own that would have limits. What is ours is what we say of the pod.
Answer<v1::UpdatePodSandboxResourcesResponse> updatePodSandboxResources(
    Frontend& frontend, const v1::UpdatePodSandboxResourcesRequest& request) {
  using Response = v1::UpdatePodSandboxResourcesResponse;
  auto pod = findPod(frontend, request.pod_sandbox_id());
  if (!pod) return refused<Response>(pod.error());
  if ((*pod)->record.state() != record::Pod::READY)
    return refused<Response>({Code::failedPrecondition, "pod_sandbox_id", "the pod is not ready"});
  auto& config = *(*pod)->record.mutable_config()->mutable_linux();
  if (request.has_overhead()) *config.mutable_overhead() = request.overhead();
  if (request.has_resources()) *config.mutable_resources() = request.resources();
  frontend.pods.save(**pod);
  return Outcome<Response>({});
}

}  // namespace bulkhead::cri
