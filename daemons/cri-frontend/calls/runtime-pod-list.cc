#include "daemons/cri-frontend/calls/answers.h"

namespace bulkhead::cri {
namespace {

bool wanted(const v1::PodSandbox& item, const v1::PodSandboxFilter& filter) {
  return item.id().starts_with(filter.id()) &&
         (!filter.has_state() || filter.state().state() == item.state()) &&
         matches(filter.label_selector(), item.labels());
}

}  // namespace

Answer<v1::ListPodSandboxResponse> listPodSandbox(Frontend& frontend,
                                                  const v1::ListPodSandboxRequest& request) {
  v1::ListPodSandboxResponse response;
  for (const auto& [id, pod] : frontend.pods.all()) {
    if (pod->record.state() == record::Pod::CREATING) continue;
    auto item = podItem(*pod);
    if (wanted(item, request.filter())) *response.add_items() = std::move(item);
  }
  return Outcome<v1::ListPodSandboxResponse>(std::move(response));
}

}  // namespace bulkhead::cri
