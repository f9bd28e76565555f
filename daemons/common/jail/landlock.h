// Landlock: which paths a process may still open (landlock(7)).
#pragma once

#include <vector>

#include "daemons/common/jail/confine.h"
#include "daemons/common/jail/privileges.h"

namespace bulkhead::jail {

// From now on the process opens only what `paths` name; a path that does not exist gives nothing. Rows
// without inet may neither bind nor connect TCP, none may reach abstract sockets made outside (each from the
// kernel on that knows how). A kernel without Landlock is not an error: false, and audit reports it. Needs
// no_new_privs or CAP_SYS_ADMIN.
bool restrictPaths(const std::vector<Access>& paths, Network network);

}  // namespace bulkhead::jail
