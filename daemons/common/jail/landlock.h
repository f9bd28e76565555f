// Landlock: which paths a process may still open (landlock(7)).
#pragma once

#include <vector>

#include "daemons/common/jail/confine.h"
#include "daemons/common/jail/privileges.h"

namespace bulkhead::jail {

// From now on the process opens only what `paths` name; a path that does not exist gives nothing. Rows
// without inet may neither bind nor connect TCP, none may reach abstract sockets made outside or signal a
// process outside (each from the kernel on that knows how). False where the kernel has no Landlock, has it
// switched off, or has only its first version (before 5.19): not an error, docs/decisions/0011. Throws
// SystemError where it has one and the wall cannot be raised. Needs no_new_privs or CAP_SYS_ADMIN.
bool restrictPaths(const std::vector<Access>& paths, Network network);

}  // namespace bulkhead::jail
