// What stats and metrics are made of, from control groups and storaged at once. If storaged does not answer
// soon, its part is left out, which is no reason to refuse the rest.
#pragma once

#include "daemons/cri-frontend/calls/calls.h"
#include "daemons/cri-frontend/stats/messages.h"

namespace bulkhead::cri {

kj::Promise<Gathered> gather(Frontend& frontend, const std::vector<PodRef>& pods,
                             const std::vector<ContainerRef>& containers);

// Of a pod, without those that are only being made.
std::vector<ContainerRef> madeContainersOf(const Frontend& frontend, const PodId& pod);

}  // namespace bulkhead::cri
