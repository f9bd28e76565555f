// What stats and metrics are made of, from control groups, storaged, netd and the launcher at once. Whoever
// does not answer soon leaves a part out, which is no reason to refuse the rest.
#pragma once

#include "daemons/cri-frontend/calls/calls.h"
#include "daemons/cri-frontend/stats/messages.h"

namespace bulkhead::cri {

// `metrics` ask for what is open as well, which only the launcher can see.
enum class Purpose { stats, metrics };
kj::Promise<Gathered> gather(Frontend& frontend, const std::vector<PodRef>& pods,
                             const std::vector<ContainerRef>& containers, Purpose purpose);

// Of a pod, without those that are only being made.
std::vector<ContainerRef> madeContainersOf(const Frontend& frontend, const PodId& pod);

}  // namespace bulkhead::cri
