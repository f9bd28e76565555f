// A connection to a port that listens inside a pod.
#pragma once

#include "daemons/cri-frontend/frontend.h"

namespace bulkhead::cri {

// A stream socket whose other side is the pod's port, of its loopback interface, whatever the pod's network.
// failedPrecondition if the pod is not ready any more; unavailable, with the kernel's word, if nobody answers
// there. The TCP connection itself is netd's pump's: this process never has one into a pod.
Answer<Fd> dialPod(Frontend& frontend, const PodId& pod, uint16_t port);

}  // namespace bulkhead::cri
