#include "daemons/cri-frontend/calls/answers.h"

namespace bulkhead::cri {
namespace {

bool wanted(const v1::Container& item, const v1::ContainerFilter& filter) {
  return item.id().starts_with(filter.id()) && item.pod_sandbox_id().starts_with(filter.pod_sandbox_id()) &&
         (!filter.has_state() || filter.state().state() == item.state()) &&
         matches(filter.label_selector(), item.labels());
}

}  // namespace

Answer<v1::ListContainersResponse> listContainers(Frontend& frontend,
                                                  const v1::ListContainersRequest& request) {
  v1::ListContainersResponse response;
  for (const auto& [id, container] : frontend.containers.all()) {
    if (container->record.state() == record::Container::CREATING) continue;
    auto item = containerItem(*container);
    if (wanted(item, request.filter())) *response.add_containers() = std::move(item);
  }
  return Outcome<v1::ListContainersResponse>(std::move(response));
}

}  // namespace bulkhead::cri
