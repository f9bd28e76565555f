#include "daemons/cri-frontend/calls/answers.h"
#include "daemons/cri-frontend/calls/streams.h"

namespace bulkhead::cri {
namespace {

bool wanted(const v1::PodSandbox& item, const v1::PodSandboxFilter& filter) {
  return item.id().starts_with(filter.id()) &&
         (!filter.has_state() || filter.state().state() == item.state()) &&
         matches(filter.label_selector(), item.labels());
}

std::vector<PodRef> chosen(const Frontend& frontend, const v1::PodSandboxFilter& filter) {
  std::vector<PodRef> pods;
  for (const auto& [id, pod] : frontend.pods.all()) {
    if (pod->record.state() == record::Pod::CREATING) continue;
    if (wanted(podItem(*pod), filter)) pods.push_back(pod);
  }
  return pods;
}

}  // namespace

Answer<v1::ListPodSandboxResponse> listPodSandbox(Frontend& frontend,
                                                  const v1::ListPodSandboxRequest& request) {
  v1::ListPodSandboxResponse response;
  for (const auto& pod : chosen(frontend, request.filter())) *response.add_items() = podItem(*pod);
  return Outcome<v1::ListPodSandboxResponse>(std::move(response));
}

Stream<v1::StreamPodSandboxesResponse> streamPodSandboxes(Frontend& frontend,
                                                          const v1::StreamPodSandboxesRequest& request) {
  auto make = [&frontend](std::vector<PodRef> few) -> Answer<v1::StreamPodSandboxesResponse> {
    v1::StreamPodSandboxesResponse response;
    for (const auto& pod : few) {
      if (frontend.pods.find(pod->id)) *response.add_pod_sandboxes() = podItem(*pod);
    }
    return Outcome<v1::StreamPodSandboxesResponse>(std::move(response));
  };
  return inPieces<v1::StreamPodSandboxesResponse>(chosen(frontend, request.filter()), make);
}

}  // namespace bulkhead::cri
