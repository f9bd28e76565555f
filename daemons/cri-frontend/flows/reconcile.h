// Reconcile: at start, what we remember against what launcher, netd and storaged say they have.
#pragma once

#include "daemons/cri-frontend/frontend.h"

namespace bulkhead::cri {

class Reconcile {
 public:
  // Resolves when every record says what is true and every running container is watched; removal of what is
  // not ours to keep goes on in the background. The daemons start together; one that does not answer within
  // `patience` is believed to have what we remember.
  static kj::Promise<void> run(Frontend& frontend, kj::Duration patience = 10 * kj::SECONDS);

  explicit Reconcile(Frontend& frontend) : frontend_(frontend) {}

 private:
  kj::Promise<void> askPeers(kj::Duration patience);
  void settleContainers();
  void settleContainer(const ContainerRef& container);
  void settlePods();
  void settlePod(const PodRef& pod);
  void removeOrphans();
  void removeForeignPods();
  void detachForeignNetworks();
  void removeForeignLayers();
  // What the launcher knows of it; null if nothing.
  [[nodiscard]] const ContainerFacts* factsOf(const ContainerId& id) const;

  Frontend& frontend_;
  // Empty: the peer did not answer.
  std::optional<std::vector<PodFacts>> launched_;
  std::optional<std::map<PodId, Attachment>> attached_;
  std::optional<std::vector<ContainerId>> layers_;
};

}  // namespace bulkhead::cri
