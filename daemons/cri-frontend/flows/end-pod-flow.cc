#include "daemons/cri-frontend/flows/end-pod-flow.h"

#include "daemons/cri-frontend/flows/remove-container-flow.h"
#include "daemons/cri-frontend/flows/stop-container-flow.h"

namespace bulkhead::cri {
namespace {

// From here on no container is created or started in it.
void closePod(Frontend& frontend, Pod& pod) {
  if (pod.record.state() != record::Pod::READY) return;
  KJ_ON_SCOPE_FAILURE(pod.record.set_state(record::Pod::READY));  // the caller repeats it
  pod.record.set_state(record::Pod::NOT_READY);
  frontend.pods.save(pod);
}

// Containers whose creation began before the pod was closed: their flows find it closed and undo themselves.
kj::Promise<void> waitForCreations(Frontend& frontend, const PodId& pod) {
  kj::Vector<kj::Promise<void>> creations;
  for (const auto& container : frontend.containers.ofPod(pod)) {
    creations.add(frontend.containerCreations.settled(nameKey(pod, container->record.config().metadata())));
  }
  return kj::joinPromises(creations.releaseAsArray());
}

Answer<void> killContainers(Frontend& frontend, const PodId& pod) {
  std::vector<Answer<void>> ends;
  for (const auto& container : frontend.containers.ofPod(pod)) {
    ends.push_back(StopContainerFlow::run(frontend, container, 0 * kj::SECONDS));
  }
  return all(std::move(ends));
}

Answer<void> disconnect(Frontend& frontend, PodRef pod) {
  if (pod->record.host_network()) return good();
  return andThen(frontend.netd.detach(pod->id), [&frontend, pod]() {
    pod->record.clear_addresses();
    frontend.pods.save(*pod);
    return good();
  });
}

Answer<void> removeContainers(Frontend& frontend, const PodId& pod) {
  std::vector<Answer<void>> removals;
  for (const auto& container : frontend.containers.ofPod(pod)) {
    removals.push_back(removeContainer(frontend, container));
  }
  return all(std::move(removals));
}

}  // namespace

Answer<void> stopPod(Frontend& frontend, PodRef pod) {
  closePod(frontend, *pod);
  auto killed = waitForCreations(frontend, pod->id).then([&frontend, pod]() {
    return killContainers(frontend, pod->id);
  });
  auto ended = andThen(kj::mv(killed), [&frontend, pod]() { return disconnect(frontend, pod); });
  return andThen(kj::mv(ended), [&frontend, pod]() {
    frontend.pods.tellStopped(*pod);
    return good();
  });
}

Answer<void> removePod(Frontend& frontend, PodRef pod) {
  auto emptied =
      andThen(stopPod(frontend, pod), [&frontend, pod]() { return removeContainers(frontend, pod->id); });
  auto removed =
      andThen(kj::mv(emptied), [&frontend, pod]() { return frontend.launcher.removePod(pod->id); });
  return andThen(kj::mv(removed), [&frontend, pod]() {
    frontend.pods.erase(pod->id);
    return good();
  });
}

}  // namespace bulkhead::cri
