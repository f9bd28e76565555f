// Questions to, and changes of, a descriptor that somebody else opened.
#pragma once

#include "daemons/common/base/fd.h"

namespace bulkhead {

// Keeps its other flags. Throws SystemError.
void setNonBlocking(int fd);
// The same for one that is handed on.
Fd nonBlocking(Fd fd);

// False also for what is no descriptor.
bool isPipe(int fd);

// A descriptor to read from once a child has ended; SIGCHLD is blocked from here on. Throws SystemError.
Fd watchChildren();

}  // namespace bulkhead
