#include "daemons/cri-frontend/flows/remove-container-flow.h"

namespace bulkhead::cri {

Answer<void> removeContainer(Frontend& frontend, const ContainerRef& container) {
  ContainerId id = container->id;
  return frontend.containerEnds.join(id.text(), [&frontend, id]() { return eraseContainer(frontend, id); });
}

Answer<void> eraseContainer(Frontend& frontend, const ContainerId& id) {
  // The layer only when nothing runs on it any more.
  auto deleted = frontend.launcher.deleteContainer(id);
  auto freed = andThen(kj::mv(deleted), [&frontend, id]() { return frontend.storaged.removeLayer(id); });
  return andThen(kj::mv(freed), [&frontend, id]() {
    auto container = frontend.containers.find(id);
    frontend.containers.erase(id);
    if (container) container->exited.notify();
    return good();
  });
}

}  // namespace bulkhead::cri
