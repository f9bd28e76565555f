// The one look around at start: whatever a crash left behind is put right before anyone is served.
#pragma once

#include "daemons/storaged/parts.h"

namespace bulkhead::storaged {

// Into the trash: everything in staging/, layers/ and containers/ that the index does not name; the trash is
// erased. A row whose layer is lost: logged, and its images are forgotten so that the next pull repairs them;
// their other layers stay while a container is on them. A container's row without a directory gets an empty
// one back.
void sweep(Parts& parts);

}  // namespace bulkhead::storaged
