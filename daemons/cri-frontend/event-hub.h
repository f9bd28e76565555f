// EventHub: what happens to pods and containers, told to whoever listens (GetContainerEvents). An event
// carries the pod's status and those of all its containers as they are right after it, so that the kubelet
// need not ask.
#pragma once

#include <deque>
#include <memory>
#include <set>

#include "daemons/cri-frontend/records/container-table.h"
#include "daemons/cri-frontend/records/pod-table.h"
#include "daemons/cri-frontend/stream-source.h"
#include "runtime/v1/api.pb.h"

namespace bulkhead::cri {

class EventHub {
 public:
  using Event = ::runtime::v1::ContainerEventResponse;

  // What waits for one listener, at most. One that falls behind further has lost events and hears so.
  static constexpr size_t waitingEvents = 4096;
  static constexpr size_t waitingBytes = 16 << 20;
  static constexpr size_t listeners = 16;

  // Both must outlive it.
  EventHub(PodTable& pods, ContainerTable& containers);

  // Everything from now on, in order. resourceExhausted if there are too many listeners; the source answers
  // that when events were lost: whoever hears it lists anew and listens again.
  Outcome<kj::Own<Source<Event>>> listen();

 private:
  class Listener;

  // `pod` is null if it is not known.
  void tell(const Pod* pod, const std::string& id, Change change);

  PodTable& pods_;
  ContainerTable& containers_;
  // Apart, because a listener may outlive the hub when everything ends.
  std::shared_ptr<std::set<Listener*>> listening_;
};

}  // namespace bulkhead::cri
