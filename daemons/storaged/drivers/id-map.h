// Id-mapped mounts for user namespaces (mount_setattr(2), MOUNT_ATTR_IDMAP).
#pragma once

#include <cstddef>
#include <vector>

#include "daemons/common/base/fd.h"

namespace bulkhead::drivers {

// Whether this descriptor is a user namespace's, of nsfs itself: something else could answer ioctls.
bool isUserNamespace(int fd);

// A detached, private clone of the mount that `directory` is on, from there down. With a user namespace
// (not -1) its files belong to whom that namespace maps their owners to. An invalid Fd and errno on failure:
// EINVAL where the file system cannot be mapped, or the namespace is the host's.
Fd cloneTree(int directory, int userNamespace);

// Replaces open directories by themselves as a user namespace sees them, attached to `stage` for as long as
// this lives: before Linux 6.15 overlayfs takes no layer from a detached mount.
class MappedLowers {
 public:
  // Nothing is mapped if `userNamespace` is -1. `stage` is a directory of a mount namespace that nobody else
  // sees, and outlives this. Throws SystemError, as cloneTree() fails.
  MappedLowers(std::vector<Fd>& lowers, int userNamespace, const char* stage);
  ~MappedLowers();
  MappedLowers(const MappedLowers&) = delete;
  MappedLowers& operator=(const MappedLowers&) = delete;

 private:
  void map(Fd& lower, int userNamespace);
  void detach() const;

  const char* stage_;
  size_t attached_ = 0;
};

}  // namespace bulkhead::drivers
