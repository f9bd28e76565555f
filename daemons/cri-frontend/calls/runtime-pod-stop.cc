#include "daemons/cri-frontend/calls/calls.h"
#include "daemons/cri-frontend/flows/end-pod-flow.h"

namespace bulkhead::cri {

// A pod that is gone, or whose creation was not answered yet, is stopped enough.
Answer<v1::StopPodSandboxResponse> stopPodSandbox(Frontend& frontend,
                                                  const v1::StopPodSandboxRequest& request) {
  auto pod = findPod(frontend, request.pod_sandbox_id());
  if (!pod && pod.error().code == Code::notFound) return Outcome<v1::StopPodSandboxResponse>({});
  if (!pod) return refused<v1::StopPodSandboxResponse>(pod.error());
  auto stopped =
      frontend.podEnds.join("stop " + (*pod)->id.text(), [&]() { return stopPod(frontend, *pod); });
  return andThen(kj::mv(stopped), []() -> Answer<v1::StopPodSandboxResponse> {
    return Outcome<v1::StopPodSandboxResponse>({});
  });
}

}  // namespace bulkhead::cri
