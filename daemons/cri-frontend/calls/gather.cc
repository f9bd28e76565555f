#include "daemons/cri-frontend/calls/gather.h"

namespace bulkhead::cri {
namespace {

// They answer from memory or in a few system calls: who does not answer soon hangs.
constexpr auto patience = 2 * kj::SECONDS;

template <typename T>
kj::Promise<void> learn(kj::Timer& timer, T& into, Answer<T> answer) {
  return timer.timeoutAfter(patience, kj::mv(answer))
      .then(
          [&into](Outcome<T>&& outcome) {
            if (outcome) into = std::move(*outcome);
          },
          [](kj::Exception&&) {});
}

std::vector<PodId> readyIds(const std::vector<PodRef>& pods, bool withNetwork) {
  std::vector<PodId> ids;
  for (const auto& pod : pods) {
    bool counts = !withNetwork || !pod->record.host_network();
    if (counts && pod->record.state() == record::Pod::READY) ids.push_back(pod->id);
  }
  return ids;
}

std::vector<std::string> groupsOf(const std::vector<PodRef>& pods,
                                  const std::vector<ContainerRef>& containers) {
  std::vector<std::string> groups;
  // On v1 a group stays until the container is removed; what it says then is nobody's use of anything.
  for (const auto& container : containers) {
    if (container->record.state() != record::Container::EXITED) groups.push_back(container->record.cgroup());
  }
  // Read last: what a pod has used is then never less than what its containers have.
  for (const auto& pod : pods) groups.push_back(pod->record.cgroup());
  return groups;
}

}  // namespace

kj::Promise<Gathered> gather(Frontend& frontend, const std::vector<PodRef>& pods,
                             const std::vector<ContainerRef>& containers, Purpose purpose) {
  auto gathered = kj::heap<Gathered>();
  auto& into = *gathered;
  auto& timer = frontend.loop.timer;
  kj::Vector<kj::Promise<void>> parts;
  parts.add(frontend.stats.read(groupsOf(pods, containers)).then([&into](GroupsStats&& groups) {
    into.groups = std::move(groups);
  }));
  if (!containers.empty()) parts.add(learn(timer, into.layers, frontend.storaged.layerUsage()));
  if (auto ids = readyIds(pods, true); !ids.empty())
    parts.add(learn(timer, into.network, frontend.netd.counters(ids)));
  if (auto ids = readyIds(pods, false); purpose == Purpose::metrics && !ids.empty())
    parts.add(learn(timer, into.files, frontend.launcher.countFiles(ids)));
  return kj::joinPromises(parts.releaseAsArray()).then([gathered = kj::mv(gathered)]() mutable {
    return std::move(*gathered);
  });
}

std::vector<ContainerRef> madeContainersOf(const Frontend& frontend, const PodId& pod) {
  auto containers = frontend.containers.ofPod(pod);
  std::erase_if(containers,
                [](const auto& one) { return one->record.state() == record::Container::CREATING; });
  return containers;
}

}  // namespace bulkhead::cri
