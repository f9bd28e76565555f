#include "daemons/cri-frontend/calls/pods-gathered.h"
#include "daemons/cri-frontend/calls/stats.h"
#include "daemons/cri-frontend/calls/streams.h"
#include "daemons/cri-frontend/stats/metrics.h"

namespace bulkhead::cri {
namespace {

using Pods = std::vector<PodRef>;
using Containers = std::vector<ContainerRef>;

Pods madePods(const Frontend& frontend) {
  Pods pods;
  for (const auto& [id, pod] : frontend.pods.all()) {
    if (pod->record.state() != record::Pod::CREATING) pods.push_back(pod);
  }
  return pods;
}

}  // namespace

Answer<v1::ListMetricDescriptorsResponse> listMetricDescriptors(Frontend&,
                                                                const v1::ListMetricDescriptorsRequest&) {
  v1::ListMetricDescriptorsResponse response;
  for (auto& descriptor : metricDescriptors()) *response.add_descriptors() = std::move(descriptor);
  return Outcome<v1::ListMetricDescriptorsResponse>(std::move(response));
}

Answer<v1::ListPodSandboxMetricsResponse> listPodSandboxMetrics(Frontend& frontend,
                                                                const v1::ListPodSandboxMetricsRequest&) {
  using Response = v1::ListPodSandboxMetricsResponse;
  auto add = [](Response& to, const Pod& pod, const Containers& containers, const Gathered& gathered) {
    *to.add_pod_metrics() = podMetricsOf(pod, containers, gathered);
  };
  return ofPods<Response>(frontend, madePods(frontend), Purpose::metrics, add);
}

Stream<v1::StreamPodSandboxMetricsResponse> streamPodSandboxMetrics(
    Frontend& frontend, const v1::StreamPodSandboxMetricsRequest&) {
  using Response = v1::StreamPodSandboxMetricsResponse;
  auto add = [](Response& to, const Pod& pod, const Containers& containers, const Gathered& gathered) {
    *to.add_pod_sandbox_metrics() = podMetricsOf(pod, containers, gathered);
  };
  auto make = [&frontend, add](const Pods& few) {
    return ofPods<Response>(frontend, few, Purpose::metrics, add);
  };
  return inPieces<Response>(madePods(frontend), make);
}

}  // namespace bulkhead::cri
