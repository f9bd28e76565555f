#include "daemons/cri-frontend/calls/answers.h"
#include "daemons/cri-frontend/calls/streams.h"

namespace bulkhead::cri {
namespace {

bool wanted(const v1::Container& item, const v1::ContainerFilter& filter) {
  return item.id().starts_with(filter.id()) && item.pod_sandbox_id().starts_with(filter.pod_sandbox_id()) &&
         (!filter.has_state() || filter.state().state() == item.state()) &&
         matches(filter.label_selector(), item.labels());
}

std::vector<ContainerRef> chosen(const Frontend& frontend, const v1::ContainerFilter& filter) {
  std::vector<ContainerRef> containers;
  for (const auto& [id, container] : frontend.containers.all()) {
    if (container->record.state() == record::Container::CREATING) continue;
    if (wanted(containerItem(*container), filter)) containers.push_back(container);
  }
  return containers;
}

}  // namespace

Answer<v1::ListContainersResponse> listContainers(Frontend& frontend,
                                                  const v1::ListContainersRequest& request) {
  v1::ListContainersResponse response;
  for (const auto& container : chosen(frontend, request.filter()))
    *response.add_containers() = containerItem(*container);
  return Outcome<v1::ListContainersResponse>(std::move(response));
}

Stream<v1::StreamContainersResponse> streamContainers(Frontend& frontend,
                                                      const v1::StreamContainersRequest& request) {
  auto make = [&frontend](std::vector<ContainerRef> few) -> Answer<v1::StreamContainersResponse> {
    v1::StreamContainersResponse response;
    for (const auto& container : few) {
      if (frontend.containers.find(container->id)) *response.add_containers() = containerItem(*container);
    }
    return Outcome<v1::StreamContainersResponse>(std::move(response));
  };
  return inPieces<v1::StreamContainersResponse>(chosen(frontend, request.filter()), make);
}

}  // namespace bulkhead::cri
