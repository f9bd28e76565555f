#include "daemons/cri-frontend/calls/calls.h"
#include "daemons/cri-frontend/flows/run-pod-flow.h"

namespace bulkhead::cri {
namespace {

v1::RunPodSandboxResponse answer(const PodId& id) {
  v1::RunPodSandboxResponse response;
  response.set_pod_sandbox_id(id.text());
  return response;
}

}  // namespace

// The kubelet repeats a request whose answer it lost: the same metadata means the same pod.
Answer<v1::RunPodSandboxResponse> runPodSandbox(Frontend& frontend, const v1::RunPodSandboxRequest& request) {
  auto plan = translatePod(request.config(), request.runtime_handler(), frontend.settings);
  if (!plan) return refused<v1::RunPodSandboxResponse>(plan.error());
  std::string key = nameKey(request.config().metadata());
  if (PodRef pod = frontend.pods.findNamed(key)) {
    if (pod->record.state() == record::Pod::READY) return Outcome<v1::RunPodSandboxResponse>(answer(pod->id));
    return refused<v1::RunPodSandboxResponse>(
        {Code::alreadyExists, "config.metadata",
         "a stopped pod has this name, uid and attempt: remove it first"});
  }
  auto running = frontend.podCreations.join(
      key, [&frontend, &request, &plan]() { return RunPodFlow::run(frontend, request, std::move(*plan)); });
  return running.then([](Outcome<PodId>&& id) { return id.map(answer); });
}

}  // namespace bulkhead::cri
