// StartContainer.
#pragma once

#include "daemons/cri-frontend/frontend.h"

namespace bulkhead::cri {

// From CREATED only; afterwards the container is watched.
Answer<void> startContainer(Frontend& frontend, ContainerRef container);

}  // namespace bulkhead::cri
