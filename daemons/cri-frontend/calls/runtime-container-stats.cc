#include "daemons/cri-frontend/calls/answers.h"
#include "daemons/cri-frontend/calls/gather.h"
#include "daemons/cri-frontend/calls/stats.h"
#include "daemons/cri-frontend/calls/streams.h"

namespace bulkhead::cri {
namespace {

using Containers = std::vector<ContainerRef>;

Containers chosen(const Frontend& frontend, const v1::ContainerStatsFilter& filter) {
  Containers containers;
  for (const auto& [id, container] : frontend.containers.all()) {
    bool wanted = container->record.state() != record::Container::CREATING &&
                  id.text().starts_with(filter.id()) &&
                  container->podId.text().starts_with(filter.pod_sandbox_id()) &&
                  matches(filter.label_selector(), container->record.config().labels());
    if (wanted) containers.push_back(container);
  }
  return containers;
}

template <typename Response, typename Add>
Answer<Response> statsOf(Frontend& frontend, Containers containers, Add add) {
  auto gathered = gather(frontend, {}, containers, Purpose::stats);
  return gathered.then([&frontend, add, containers = std::move(containers)](Gathered&& from) {
    Response response;
    for (const auto& container : containers) {
      if (frontend.containers.find(container->id)) add(response, containerStatsOf(*container, from));
    }
    return Outcome<Response>(std::move(response));
  });
}

}  // namespace

Answer<v1::ContainerStatsResponse> containerStats(Frontend& frontend,
                                                  const v1::ContainerStatsRequest& request) {
  using Response = v1::ContainerStatsResponse;
  auto container = findContainer(frontend, request.container_id());
  if (!container) return refused<Response>(container.error());
  auto add = [](Response& to, v1::ContainerStats&& stats) { *to.mutable_stats() = std::move(stats); };
  return statsOf<Response>(frontend, {*container}, add);
}

Answer<v1::ListContainerStatsResponse> listContainerStats(Frontend& frontend,
                                                          const v1::ListContainerStatsRequest& request) {
  using Response = v1::ListContainerStatsResponse;
  auto add = [](Response& to, v1::ContainerStats&& stats) { *to.add_stats() = std::move(stats); };
  return statsOf<Response>(frontend, chosen(frontend, request.filter()), add);
}

Stream<v1::StreamContainerStatsResponse> streamContainerStats(
    Frontend& frontend, const v1::StreamContainerStatsRequest& request) {
  using Response = v1::StreamContainerStatsResponse;
  auto add = [](Response& to, v1::ContainerStats&& stats) { *to.add_container_stats() = std::move(stats); };
  auto make = [&frontend, add](Containers few) { return statsOf<Response>(frontend, std::move(few), add); };
  return inPieces<Response>(chosen(frontend, request.filter()), make);
}

}  // namespace bulkhead::cri
