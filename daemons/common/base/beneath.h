// Opening paths beneath a descriptor: the only way this tree turns a name into a file that somebody else may
// have shaped. All calls use openat2(2), which refuses what the flags forbid inside the kernel.
#pragma once

#include <string>

#include "daemons/common/base/fd.h"

namespace bulkhead {

// Opens `path`, relative, beneath `dir`: no "..", no absolute symlink, no symlink at all, no magic link, and
// no other mount when `sameMount`. `flags` as for open(2); O_CLOEXEC is added. An invalid Fd and errno on
// failure.
Fd tryOpenBeneath(int dir, const std::string& path, int flags, unsigned mode = 0, bool sameMount = false);

// The same, throwing SystemError that names only the last component.
Fd openBeneath(int dir, const std::string& path, int flags, unsigned mode = 0);

// Opens `path` as a process whose root is `root` would: symlinks are followed inside it (RESOLVE_IN_ROOT).
// An invalid Fd and errno on failure.
Fd tryOpenInRoot(int root, const std::string& path, int flags, unsigned mode = 0);

// Opens a directory by an absolute path of root's own configuration. Throws SystemError.
Fd openDirectory(const std::string& absolutePath);

// mkdirat and open; an existing directory is fine. Does not follow a symlink. Throws SystemError.
Fd makeDirectory(int dir, const std::string& name, unsigned mode);

// A directory that only root enters: made so, or found so. Whoever owns `dir` can move it about but not look
// inside. Throws SystemError, with EPERM for one that is somebody else's.
Fd makeClosedDirectory(int dir, const std::string& name);

}  // namespace bulkhead
