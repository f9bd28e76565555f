// StopPodSandbox and RemovePodSandbox. Both may be repeated, at any state of the pod, until they succeed.
#pragma once

#include "daemons/cri-frontend/frontend.h"

namespace bulkhead::cri {

// Kills the containers, gives the network back, and leaves the pod NOT_READY.
Answer<void> stopPod(Frontend& frontend, PodRef pod);
// Stops it, removes its containers and everything else of it, and forgets it.
Answer<void> removePod(Frontend& frontend, PodRef pod);

}  // namespace bulkhead::cri
