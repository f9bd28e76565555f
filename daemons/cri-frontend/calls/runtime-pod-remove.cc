#include "daemons/cri-frontend/calls/calls.h"
#include "daemons/cri-frontend/flows/end-pod-flow.h"

namespace bulkhead::cri {

Answer<v1::RemovePodSandboxResponse> removePodSandbox(Frontend& frontend,
                                                      const v1::RemovePodSandboxRequest& request) {
  auto pod = findPod(frontend, request.pod_sandbox_id());
  if (!pod && pod.error().code == Code::notFound) return Outcome<v1::RemovePodSandboxResponse>({});
  if (!pod) return refused<v1::RemovePodSandboxResponse>(pod.error());
  auto removed =
      frontend.podEnds.join("remove " + (*pod)->id.text(), [&]() { return removePod(frontend, *pod); });
  return andThen(kj::mv(removed), []() -> Answer<v1::RemovePodSandboxResponse> {
    return Outcome<v1::RemovePodSandboxResponse>({});
  });
}

}  // namespace bulkhead::cri
