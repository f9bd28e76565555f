// What pods' interfaces have moved. A socket of each pod's namespace stays open from the first question to
// the pod's end, so that asking starts no process.
#pragma once

#include <map>
#include <memory>

#include "daemons/netd/attachments.h"
#include "daemons/netd/link-counters.h"

namespace bulkhead::netd {

class PodCounters {
 public:
  // Both are borrowed.
  PodCounters(NetnsClient& netns, const Attachments& attachments)
      : netns_(netns), attachments_(attachments) {}

  using Links = std::vector<LinkCounters>;
  // Of those of `pods` that are attached and answer; never refuses.
  kj::Promise<std::vector<std::pair<PodId, Links>>> read(std::vector<PodId> pods);
  // Before the pod is detached: its namespace must be able to end.
  void forget(const PodId& pod);

 private:
  kj::Promise<void> open(const PodId& pod);
  std::optional<Links> ask(const PodId& pod);

  NetnsClient& netns_;
  const Attachments& attachments_;
  std::map<PodId, Fd> sockets_;
};

}  // namespace bulkhead::netd
