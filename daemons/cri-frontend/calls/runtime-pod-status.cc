#include <nlohmann/json.hpp>

#include "daemons/cri-frontend/calls/answers.h"
#include "daemons/cri-frontend/clock.h"

namespace bulkhead::cri {
namespace {

std::string info(const Pod& pod) {
  nlohmann::json info{{"sandboxId", pod.id.text()},
                      {"runtimeHandler", pod.record.handler()},
                      {"netNsPath", pod.record.netns_path()}};
  return info.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

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
  if (request.verbose()) (*response.mutable_info())["info"] = info(**pod);
  return Outcome<v1::PodSandboxStatusResponse>(std::move(response));
}

}  // namespace bulkhead::cri
