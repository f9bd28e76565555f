// Bind sources: each is opened once, the opened file is judged, and that very file is cloned. No path that a
// caller chose is used again afterwards.
#pragma once

#include <string>

#include "daemons/common/base/error.h"
#include "daemons/common/base/fd.h"
#include "daemons/shim/ceiling/ceiling.h"
#include "ipc/schema/launch.capnp.h"

namespace bulkhead::launcher {

// A detached mount, ready to be attached anywhere.
struct BindSource {
  Fd mount;
  bool isDirectory = false;
};

// What the kernel calls the opened file now. A file that was removed meanwhile has no name: empty.
std::string realPathOf(int fd);

// Must be called in the host's mount namespace: there the clone keeps its peer group, without which
// bidirectional and host-to-container propagation would be lost. Private sources leave their group at once. A
// source that does not exist is made a directory, as the peers do, if the rules admit it. `mount` has passed
// checkContainer; refusals name `field`.
Outcome<BindSource> openBindSource(schema::Mount::Reader mount, const ceiling::BindRules& rules,
                                   const std::string& field);

}  // namespace bulkhead::launcher
