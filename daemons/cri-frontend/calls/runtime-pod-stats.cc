#include "daemons/cri-frontend/calls/answers.h"
#include "daemons/cri-frontend/calls/pods-gathered.h"
#include "daemons/cri-frontend/calls/stats.h"
#include "daemons/cri-frontend/calls/streams.h"

namespace bulkhead::cri {
namespace {

using Pods = std::vector<PodRef>;
using Containers = std::vector<ContainerRef>;

Pods chosen(const Frontend& frontend, const v1::PodSandboxStatsFilter& filter) {
  Pods pods;
  for (const auto& [id, pod] : frontend.pods.all()) {
    bool wanted = pod->record.state() != record::Pod::CREATING && id.text().starts_with(filter.id()) &&
                  matches(filter.label_selector(), pod->record.config().labels());
    if (wanted) pods.push_back(pod);
  }
  return pods;
}

}  // namespace

Answer<v1::PodSandboxStatsResponse> podSandboxStats(Frontend& frontend,
                                                    const v1::PodSandboxStatsRequest& request) {
  using Response = v1::PodSandboxStatsResponse;
  auto pod = findPod(frontend, request.pod_sandbox_id());
  if (!pod) return refused<Response>(pod.error());
  auto add = [](Response& to, const Pod& one, const Containers& containers, const Gathered& gathered) {
    *to.mutable_stats() = podStatsOf(one, containers, gathered);
  };
  return ofPods<Response>(frontend, {*pod}, Purpose::stats, add);
}

Answer<v1::ListPodSandboxStatsResponse> listPodSandboxStats(Frontend& frontend,
                                                            const v1::ListPodSandboxStatsRequest& request) {
  using Response = v1::ListPodSandboxStatsResponse;
  auto add = [](Response& to, const Pod& pod, const Containers& containers, const Gathered& gathered) {
    *to.add_stats() = podStatsOf(pod, containers, gathered);
  };
  return ofPods<Response>(frontend, chosen(frontend, request.filter()), Purpose::stats, add);
}

Stream<v1::StreamPodSandboxStatsResponse> streamPodSandboxStats(
    Frontend& frontend, const v1::StreamPodSandboxStatsRequest& request) {
  using Response = v1::StreamPodSandboxStatsResponse;
  auto add = [](Response& to, const Pod& pod, const Containers& containers, const Gathered& gathered) {
    *to.add_pod_sandbox_stats() = podStatsOf(pod, containers, gathered);
  };
  auto make = [&frontend, add](const Pods& few) {
    return ofPods<Response>(frontend, few, Purpose::stats, add);
  };
  return inPieces<Response>(chosen(frontend, request.filter()), make);
}

}  // namespace bulkhead::cri
