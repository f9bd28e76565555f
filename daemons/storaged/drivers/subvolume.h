// Subvolumes of btrfs, by ioctl (linux/btrfs.h). Paths are never made of anybody's text: a parent's
// descriptor and a name of ours.
#pragma once

#include <string>

#include "daemons/common/base/fd.h"

namespace bulkhead::drivers {

// False also for what is not on btrfs.
bool isSubvolume(int directory);

// An empty subvolume, open. Throws SystemError, with EEXIST if there is something of that name.
Fd makeSubvolume(int parent, const std::string& name);

// A writable snapshot of the subvolume `of`, which has to be of the same file system. Throws likewise.
Fd makeSnapshot(int parent, const std::string& name, int of);

// A directory that can be destroyed whatever is made inside: a subvolume on btrfs, where whoever writes to a
// directory can make subvolumes in it. Existing is ok. Throws SystemError.
Fd makeErasable(int parent, const std::string& name);

// Destroys the subvolume of that name with all that a container may have made inside it. False if there is
// no subvolume of that name. Its space comes back in the background. Needs CAP_SYS_ADMIN. Throws SystemError.
bool destroySubvolume(int parent, const std::string& name);

}  // namespace bulkhead::drivers
