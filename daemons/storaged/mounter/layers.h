// The directories of one container in the store, found by names that were parsed, opened beneath the store.
#pragma once

#include <vector>

#include "daemons/common/base/error.h"
#include "daemons/common/base/ids.h"
#include "daemons/storaged/overlay/overlay.h"

namespace bulkhead::mounter {

// Opens layers/NAME/closed/diff for each of `names`, topmost first, and containers/ID/closed/{upper,work},
// which are made if they are absent: upper with the owner, mode and time of the topmost layer's root, whole
// or not at all. containers/ID is main's to make. Refuses with notFound what is not there.
Outcome<overlay::Layers> openLayers(int store, const ContainerId& container,
                                    const std::vector<LayerName>& names);

}  // namespace bulkhead::mounter
