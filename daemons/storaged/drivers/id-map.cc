#include "daemons/storaged/drivers/id-map.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/statfs.h>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/error.h"

namespace bulkhead::drivers {

bool isUserNamespace(int fd) {
  struct statfs where {};
  return ::fstatfs(fd, &where) == 0 && where.f_type == NSFS_MAGIC &&
         ::ioctl(fd, NS_GET_NSTYPE) == CLONE_NEWUSER;
}

Fd cloneTree(int directory, int userNamespace) {
  Fd mount(::open_tree(directory, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH));
  if (!mount) return {};
  struct mount_attr change {};
  change.propagation = MS_PRIVATE;
  if (userNamespace >= 0) {
    change.attr_set = MOUNT_ATTR_IDMAP;
    change.userns_fd = static_cast<unsigned>(userNamespace);
  }
  if (::mount_setattr(mount.get(), "", AT_EMPTY_PATH, &change, sizeof change) != 0) return {};
  return mount;
}

MappedLowers::MappedLowers(std::vector<Fd>& lowers, int userNamespace, const char* stage) : stage_(stage) {
  if (userNamespace < 0) return;
  try {
    for (Fd& lower : lowers) map(lower, userNamespace);
  } catch (...) {
    detach();
    throw;
  }
}

MappedLowers::~MappedLowers() {
  detach();
}

void MappedLowers::map(Fd& lower, int userNamespace) {
  Fd mapped = cloneTree(lower.get(), userNamespace);
  if (!mapped) throwErrno("map a layer");
  // One on top of the other: each stays reachable by its descriptor.
  if (::move_mount(mapped.get(), "", AT_FDCWD, stage_, MOVE_MOUNT_F_EMPTY_PATH) != 0)
    throwErrno("attach a mapped layer");
  ++attached_;
  lower = openBeneath(mapped.get(), ".", O_RDONLY | O_DIRECTORY);
}

void MappedLowers::detach() const {
  for (size_t i = 0; i < attached_; ++i) (void)::umount2(stage_, MNT_DETACH);
}

}  // namespace bulkhead::drivers
