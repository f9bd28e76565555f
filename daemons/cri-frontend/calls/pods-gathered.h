// What stats and metrics of pods have in common: gather what is known of some, and have a message made of
// each.
#pragma once

#include <map>

#include "daemons/cri-frontend/calls/gather.h"

namespace bulkhead::cri {

using PodsWithContainers = std::vector<std::pair<PodRef, std::vector<ContainerRef>>>;

// `add(response, pod, containers, gathered)` is called for each pod that is still there.
template <typename Response, typename Add>
Answer<Response> ofPods(Frontend& frontend, const std::vector<PodRef>& pods, Purpose purpose, Add add) {
  PodsWithContainers with;
  std::vector<ContainerRef> all;
  for (const auto& pod : pods) {
    auto& own = with.emplace_back(pod, madeContainersOf(frontend, pod->id)).second;
    all.insert(all.end(), own.begin(), own.end());
  }
  return gather(frontend, pods, all, purpose)
      .then([&frontend, add, with = std::move(with)](Gathered&& gathered) {
        Response response;
        for (const auto& [pod, containers] : with) {
          if (frontend.pods.find(pod->id)) add(response, *pod, containers, gathered);
        }
        return Outcome<Response>(std::move(response));
      });
}

}  // namespace bulkhead::cri
