// RemoveContainer.
#pragma once

#include "daemons/cri-frontend/frontend.h"

namespace bulkhead::cri {

// Kills what still runs, removes everything of the container, and forgets it. A second removal joins the
// first.
Answer<void> removeContainer(Frontend& frontend, const ContainerRef& container);

// The removal itself, also for a container that we have no record of: the launcher's part, the layer, the
// record.
Answer<void> eraseContainer(Frontend& frontend, const ContainerId& id);

}  // namespace bulkhead::cri
