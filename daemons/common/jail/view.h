// A view: a mount namespace that holds an empty, read-only root and the few mounts that are put into it.
// Nothing of the host's table stays in it, so it keeps no volume busy.
#pragma once

#include <string>
#include <vector>

#include "daemons/common/base/fd.h"

namespace bulkhead::jail {

// A detached, private copy of the mount that `directory` is on, from that directory down. `attributes` are
// MOUNT_ATTR_…; `how` may be AT_RECURSIVE, for what is mounted beneath it, too. To be made before entering:
// the kernel clones only mounts of the caller's own namespace. Throws SystemError.
Fd cloneMount(int directory, unsigned attributes, unsigned how = 0);

struct Piece {
  Fd mount;          // none: an empty directory
  std::string path;  // absolute
};

// Moves the process into a view of `pieces`. Before confine(): needs CAP_SYS_ADMIN. Throws SystemError: the
// process is then to end.
void enterView(const std::vector<Piece>& pieces);

// Moves the process into a mount namespace in which `mount`, detached, is the root directory and nothing else
// is mounted. Before confine(), as enterView().
void enterCell(Fd mount);

}  // namespace bulkhead::jail
