// The verbs makePod and removePod, and what a container needs to know of its pod.
#pragma once

#include <memory>

#include "daemons/shim/launcher/context.h"
#include "daemons/shim/record/pod-records.h"

namespace bulkhead::launcher {

// A pod's record as it was written; null when there is none (yet).
struct Pod {
  explicit Pod(ipc::Packet packet) : packet_(std::move(packet)), record(packet_.as<schema::PodRecord>()) {}
  ipc::Packet packet_;
  schema::PodRecord::Reader record;
};
std::unique_ptr<Pod> readPod(int podDirectory);

// Everything about the pod that outlives requests. The same id again is fine: what is missing is made as
// first accepted.
Outcome<void> makePod(const Context& context, schema::PodSpec::Reader spec, schema::PodInfo::Builder reply);

// Refuses (failedPrecondition) while the pod has containers; absent is fine.
Outcome<void> removePod(const Context& context, capnp::Text::Reader id);

}  // namespace bulkhead::launcher
