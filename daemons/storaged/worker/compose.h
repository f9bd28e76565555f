// Composes layers into one directory tree, the one that an overlay of them would show: for drivers whose
// containers have a directory instead of an overlay.
#pragma once

#include <vector>

#include "daemons/common/base/error.h"
#include "daemons/common/base/fd.h"
#include "daemons/storaged/worker/measure.h"

namespace bulkhead::worker {

// `target` is filled with `layers`, base first, each as unpack() left it: what a layer has replaces what lies
// beneath, its whiteouts and opaque directories remove it. A target that `isLayer`, being a snapshot of the
// base, is first freed of marks, which mean nothing in a root. Files are reflinked where that can be, else
// copied. Everything is reached by descriptors, never through a symlink. Counts the inodes made and the bytes
// that are not shared with a layer. Refuses resourceExhausted (disk full) and internal.
Outcome<Counted> compose(int target, bool isLayer, const std::vector<Fd>& layers);

}  // namespace bulkhead::worker
