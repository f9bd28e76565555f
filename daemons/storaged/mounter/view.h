// The mounter's view of the file system: a mount namespace of its own that holds the stores, /proc, and
// an empty root.
#pragma once

#include <vector>

#include "daemons/common/base/fd.h"
#include "daemons/storaged/overlay/image-root.h"

namespace bulkhead::mounter {

inline constexpr const char* stage = "/stage";  // empty, for mounts on their way out

// The stores' directories in it.
struct View {
  Fd store;
  std::vector<Fd> additional;  // read-only
};

// Moves the process into such a namespace; `outside` are the same directories outside. Nothing mounted
// afterwards is seen by the host. Throws SystemError: the process is then to end.
View enterView(const overlay::Stores& outside);

}  // namespace bulkhead::mounter
