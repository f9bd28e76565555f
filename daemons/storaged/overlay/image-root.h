// An image's root file system as nobody has changed it.
#pragma once

#include <vector>

#include "daemons/common/base/error.h"
#include "daemons/common/base/fd.h"
#include "daemons/common/base/ids.h"

namespace bulkhead::overlay {

// The files of layers/NAME each, open as directories, in the order given. Refuses notFound, naming the layer.
Outcome<std::vector<Fd>> openLowers(int store, const std::vector<LayerName>& names);

// A detached mount of these layers (at least one; topmost first): read-only, nosuid, nodev, noexec. `store`
// and `stage` must be in the calling process's own mount namespace, since the kernel takes layers from
// nowhere else; `stage` is a directory that may be covered for a moment. Refuses as openLowers and
// mountOverlay do; throws SystemError.
Outcome<Fd> mountImageRoot(int store, const std::vector<LayerName>& names, const char* stage);

}  // namespace bulkhead::overlay
