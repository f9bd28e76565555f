// The mounter's view of the file system: a mount namespace of its own that holds the store, /proc, and an
// empty root.
#pragma once

#include "daemons/common/base/fd.h"

namespace bulkhead::mounter {

inline constexpr const char* stage = "/stage";  // empty, for mounts on their way out

// Moves the process into such a namespace and returns the store's directory in it; `store` is a descriptor of
// that directory outside. Nothing mounted afterwards is seen by the host. Throws SystemError: the process is
// then to end.
Fd enterView(int store);

}  // namespace bulkhead::mounter
