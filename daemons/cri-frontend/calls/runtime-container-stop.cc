#include <algorithm>

#include "daemons/cri-frontend/calls/calls.h"
#include "daemons/cri-frontend/flows/stop-container-flow.h"

namespace bulkhead::cri {

Answer<v1::StopContainerResponse> stopContainer(Frontend& frontend, const v1::StopContainerRequest& request) {
  auto container = findContainer(frontend, request.container_id());
  if (!container && container.error().code == Code::notFound) return Outcome<v1::StopContainerResponse>({});
  if (!container) return refused<v1::StopContainerResponse>(container.error());
  constexpr int64_t longest = 365 * 24 * 3600;  // what the timer can count, and nobody waits for
  auto grace = std::clamp<int64_t>(request.timeout(), 0, longest) * kj::SECONDS;
  return andThen(
      StopContainerFlow::run(frontend, *container, grace),
      []() -> Answer<v1::StopContainerResponse> { return Outcome<v1::StopContainerResponse>({}); });
}

}  // namespace bulkhead::cri
