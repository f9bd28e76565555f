// The image's root file system, looked at before an OCI runtime works in it: what the ceiling judged as text
// is judged again as the place that the image's symbolic links make of it.
#pragma once

#include <string>

#include "daemons/common/base/error.h"
#include "ipc/schema/launch.capnp.h"

namespace bulkhead::launcher {

// `root` is the root's directory, at `rootPath` in this mount namespace; nobody else writes to it yet.
// Refuses a root whose /dev, /proc or /sys is no directory, and a working directory or mount destination that
// a link leads to where the ceiling would not have it.
Outcome<void> checkImageRoot(int root, const std::string& rootPath, schema::ContainerSpec::Reader spec);

}  // namespace bulkhead::launcher
