#include "daemons/netd/pod-counters.h"

namespace bulkhead::netd {

kj::Promise<std::vector<std::pair<PodId, PodCounters::Links>>> PodCounters::read(std::vector<PodId> pods) {
  auto opening = kj::heapArrayBuilder<kj::Promise<void>>(pods.size());
  for (const PodId& pod : pods) opening.add(open(pod));
  return kj::joinPromises(opening.finish()).then([this, pods = std::move(pods)]() {
    std::vector<std::pair<PodId, Links>> all;
    for (const PodId& pod : pods) {
      if (auto links = ask(pod)) all.emplace_back(pod, std::move(*links));
    }
    return all;
  });
}

void PodCounters::forget(const PodId& pod) {
  sockets_.erase(pod);
}

kj::Promise<void> PodCounters::open(const PodId& pod) {
  if (!attachments_.isAttached(pod) || sockets_.contains(pod)) return kj::READY_NOW;
  return netns_.watch(pod).then([this, pod](Outcome<Fd>&& socket) {
    // It may have been detached meanwhile.
    if (socket && attachments_.isAttached(pod)) sockets_.insert_or_assign(pod, std::move(*socket));
  });
}

std::optional<PodCounters::Links> PodCounters::ask(const PodId& pod) {
  auto socket = sockets_.find(pod);
  if (socket == sockets_.end()) return std::nullopt;
  auto links = readLinkCounters(socket->second);
  if (links) return std::move(*links);
  sockets_.erase(socket);
  return std::nullopt;
}

}  // namespace bulkhead::netd
