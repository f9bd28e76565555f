// Images of additional stores become images of this one's index, marked as lying elsewhere: so whoever lists,
// looks up, mounts or pulls finds them, and their layers, as if they had been pulled. Nothing is copied.
#pragma once

#include <vector>

#include "daemons/storaged/additional-stores.h"
#include "daemons/storaged/index.h"

namespace bulkhead::storaged {

// At start, before the sweep. What lay elsewhere and does so no longer is forgotten, with images that need
// it. An image or a name that is here already stays as it is. A store with a damaged index is logged and left
// out. Removes the copies of the indexes.
void importAdditional(Index& ours, const std::vector<AdditionalStore>& stores);

}  // namespace bulkhead::storaged
