// Directories that an image declares as volumes, made in a container's root.
#pragma once

#include "daemons/common/base/error.h"
#include "ipc/schema/launch.capnp.h"

namespace bulkhead::launcher {

// Makes those of `directories` (as checkContainer admits them) that are absent, and their parents: root's,
// 0755. A child does it whose root is `root` and which can override permissions of files and nothing else:
// the image's links lead nowhere but into the image. Refuses failedPrecondition.
Outcome<void> makeRootDirectories(int root, capnp::List<capnp::Text>::Reader directories);

}  // namespace bulkhead::launcher
