#include "daemons/cri-frontend/calls/calls.h"

namespace bulkhead::cri {

Outcome<PodRef> findPod(const Frontend& frontend, const std::string& id) {
  auto parsed = PodId::parse(id, "pod_sandbox_id");
  if (!parsed) return tl::unexpected(parsed.error());
  PodRef pod = frontend.pods.find(*parsed);
  if (!pod || pod->record.state() == record::Pod::CREATING) {
    return refuse(Code::notFound, "pod_sandbox_id", "no such pod");
  }
  return pod;
}

Outcome<ContainerRef> findContainer(const Frontend& frontend, const std::string& id) {
  auto parsed = ContainerId::parse(id, "container_id");
  if (!parsed) return tl::unexpected(parsed.error());
  ContainerRef container = frontend.containers.find(*parsed);
  if (!container || container->record.state() == record::Container::CREATING) {
    return refuse(Code::notFound, "container_id", "no such container");
  }
  return container;
}

}  // namespace bulkhead::cri
