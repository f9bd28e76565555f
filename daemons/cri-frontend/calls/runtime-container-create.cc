#include "daemons/cri-frontend/calls/calls.h"
#include "daemons/cri-frontend/flows/create-container-flow.h"

namespace bulkhead::cri {
namespace {

v1::CreateContainerResponse answer(const ContainerId& id) {
  v1::CreateContainerResponse response;
  response.set_container_id(id.text());
  return response;
}

Outcome<PodRef> findReadyPod(const Frontend& frontend, const std::string& id) {
  auto pod = findPod(frontend, id);
  if (pod && (*pod)->record.state() != record::Pod::READY) {
    return refuse(Code::failedPrecondition, "pod_sandbox_id", "the pod is not ready");
  }
  return pod;
}

}  // namespace

// The pod's config comes along in the request; what counts is the one that the pod was made with.
Answer<v1::CreateContainerResponse> createContainer(Frontend& frontend,
                                                    const v1::CreateContainerRequest& request) {
  auto pod = findReadyPod(frontend, request.pod_sandbox_id());
  if (!pod) return refused<v1::CreateContainerResponse>(pod.error());
  auto image = checkContainer(request.config());
  if (!image) return refused<v1::CreateContainerResponse>(image.error());
  std::string key = nameKey((*pod)->id, request.config().metadata());
  if (ContainerRef container = frontend.containers.findNamed(key)) {
    if (container->record.state() == record::Container::CREATED) {
      return Outcome<v1::CreateContainerResponse>(answer(container->id));
    }
    return refused<v1::CreateContainerResponse>(
        {Code::alreadyExists, "config.metadata", "a container of this pod has this name and attempt"});
  }
  auto running = frontend.containerCreations.join(
      key, [&]() { return CreateContainerFlow::run(frontend, *pod, request.config(), *image); });
  return running.then([](Outcome<ContainerId>&& id) { return id.map(answer); });
}

}  // namespace bulkhead::cri
