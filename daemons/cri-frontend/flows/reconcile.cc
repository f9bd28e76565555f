#include "daemons/cri-frontend/flows/reconcile.h"

#include <algorithm>

#include "daemons/common/base/log.h"
#include "daemons/cri-frontend/flows/create-container-flow.h"
#include "daemons/cri-frontend/flows/remove-container-flow.h"
#include "daemons/cri-frontend/flows/run-pod-flow.h"
#include "ipc/scrub.h"

namespace bulkhead::cri {
namespace {

constexpr auto pause = 500 * kj::MILLISECONDS;

// Asks until there is an answer that is no refusal. Never ends by itself.
template <typename T>
kj::Promise<T> insist(kj::Timer& timer, std::function<Answer<T>()> ask) {
  return ask().then([&timer, ask](Outcome<T>&& outcome) mutable -> kj::Promise<T> {
    if (outcome) return std::move(*outcome);
    return timer.afterDelay(pause).then([&timer, ask]() mutable { return insist<T>(timer, kj::mv(ask)); });
  });
}

// Leaves `into` empty if there is no answer before `end`, also not to the question that is open then.
template <typename T>
kj::Promise<void> learn(kj::Timer& timer, kj::TimePoint end, std::optional<T>& into,
                        std::function<Answer<T>()> ask) {
  return timer.timeoutAt(end, insist<T>(timer, std::move(ask)))
      .then([&into](T&& answer) { into = std::move(answer); },
            [](kj::Exception&& late) {
              log::warning("a daemon did not say what it has", {{"error", ipc::fullText(late)}});
            });
}

}  // namespace

kj::Promise<void> Reconcile::run(Frontend& frontend, kj::Duration patience) {
  auto flow = kj::heap<Reconcile>(frontend);
  auto& self = *flow;
  return self.askPeers(patience)
      .then([&self]() {
        self.settleContainers();
        self.settlePods();
        self.removeOrphans();
      })
      .attach(kj::mv(flow));
}

kj::Promise<void> Reconcile::askPeers(kj::Duration patience) {
  auto& timer = frontend_.loop.timer;
  auto end = timer.now() + patience;
  kj::Vector<kj::Promise<void>> questions;
  questions.add(
      learn<std::vector<PodFacts>>(timer, end, launched_, [this]() { return frontend_.launcher.list(); }));
  questions.add(
      learn<std::map<PodId, Attachment>>(timer, end, attached_, [this]() { return frontend_.netd.list(); }));
  questions.add(learn<std::vector<ContainerId>>(timer, end, layers_,
                                                [this]() { return frontend_.storaged.listLayers(); }));
  return kj::joinPromises(questions.releaseAsArray());
}

const ContainerFacts* Reconcile::factsOf(const ContainerId& id) const {
  for (const auto& pod : *launched_) {
    for (const auto& container : pod.containers) {
      if (container.id == id) return &container;
    }
  }
  return nullptr;
}

void Reconcile::settleContainers() {
  for (const auto& [id, container] : frontend_.containers.all()) settleContainer(container);
}

void Reconcile::settleContainer(const ContainerRef& container) {
  auto& record = container->record;
  if (record.state() == record::Container::CREATING) return (void)undoContainer(frontend_, container->id);
  if (record.state() == record::Container::EXITED) return;
  if (!launched_) {
    if (record.state() == record::Container::RUNNING) frontend_.watch.begin(container);
    return;
  }
  const ContainerFacts* facts = factsOf(container->id);
  if (facts == nullptr || facts->state == ContainerFacts::State::lost) {
    recordLost(frontend_.containers, *container);
  } else if (facts->state == ContainerFacts::State::exited) {
    recordExit(frontend_.containers, *container, facts->exit);
    frontend_.watch.sweep(container);
  } else if (facts->state == ContainerFacts::State::running) {
    // We may have died between the launcher's start and our own record of it.
    recordRunning(frontend_.containers, *container, facts->exit.startedAt);
    frontend_.watch.begin(container);
  }
}

void Reconcile::settlePods() {
  for (const auto& [id, pod] : frontend_.pods.all()) settlePod(pod);
}

void Reconcile::settlePod(const PodRef& pod) {
  if (pod->record.state() == record::Pod::CREATING) return (void)undoPod(frontend_, pod->id);
  if (pod->record.state() != record::Pod::READY) return;
  auto sameId = [&pod](const PodFacts& facts) { return facts.id == pod->id; };
  bool launched = !launched_ || std::any_of(launched_->begin(), launched_->end(), sameId);
  bool connected = pod->record.host_network() || !attached_ || attached_->contains(pod->id);
  if (launched && connected) return frontend_.podWatch.begin(pod);
  log::info("pod is gone", {{"pod", pod->id.text()}, {"launched", launched ? "yes" : "no"}});
  pod->record.set_state(record::Pod::NOT_READY);
  frontend_.pods.save(*pod);
  frontend_.pods.tellStopped(*pod);
}

void Reconcile::removeOrphans() {
  if (launched_) removeForeignPods();
  if (attached_) detachForeignNetworks();
  if (layers_) removeForeignLayers();
}

void Reconcile::removeForeignPods() {
  for (const auto& pod : *launched_) {
    for (const auto& container : pod.containers) {
      if (!frontend_.containers.find(container.id)) (void)undoContainer(frontend_, container.id);
    }
    if (!frontend_.pods.find(pod.id)) (void)undoPod(frontend_, pod.id);
  }
}

void Reconcile::detachForeignNetworks() {
  for (const auto& [id, attachment] : *attached_) {
    auto pod = frontend_.pods.find(id);
    if (pod && pod->record.state() != record::Pod::NOT_READY) continue;
    (void)frontend_.background.add("detach", id.text(),
                                   [&frontend = frontend_, id = id]() { return frontend.netd.detach(id); });
  }
}

void Reconcile::removeForeignLayers() {
  for (const auto& id : *layers_) {
    if (frontend_.containers.find(id)) continue;
    (void)frontend_.background.add("remove layer", id.text(),
                                   [&frontend = frontend_, id]() { return eraseContainer(frontend, id); });
  }
}

}  // namespace bulkhead::cri
