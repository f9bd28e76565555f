#include <nlohmann/json.hpp>

#include "daemons/cri-frontend/calls/answers.h"

namespace bulkhead::cri {
namespace {

std::string info(const Container& container, const Outcome<ContainerFacts>& facts) {
  nlohmann::json info{{"sandboxID", container.podId.text()}};
  if (facts && facts->pid > 0) info["pid"] = facts->pid;
  return info.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

Answer<v1::ContainerStatusResponse> containerStatus(Frontend& frontend,
                                                    const v1::ContainerStatusRequest& request) {
  auto container = findContainer(frontend, request.container_id());
  if (!container) return refused<v1::ContainerStatusResponse>(container.error());
  v1::ContainerStatusResponse response;
  *response.mutable_status() = containerStatusOf(**container);
  if (!request.verbose()) return Outcome<v1::ContainerStatusResponse>(std::move(response));
  auto asked = frontend.launcher.inspect((*container)->id);
  return asked.then(
      [container = *container, response = std::move(response)](Outcome<ContainerFacts>&& facts) mutable {
        (*response.mutable_info())["info"] = info(*container, facts);
        return Outcome<v1::ContainerStatusResponse>(std::move(response));
      });
}

}  // namespace bulkhead::cri
