#include "daemons/storaged/mounter/view.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/error.h"

namespace bulkhead::mounter {
namespace {

// Only while the caller is still in the namespace that `directory` is in.
Fd cloneMount(int directory, const char* path) {
  Fd mount(::open_tree(directory, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH));
  if (!mount) throwErrno("open_tree");
  return mount;
}

Fd emptyRoot() {
  Fd context(::fsopen("tmpfs", FSOPEN_CLOEXEC));
  if (!context || ::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
    throwErrno("tmpfs");
  Fd mount(
      ::fsmount(context.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
  if (!mount) throwErrno("fsmount tmpfs");
  for (const char* name : {"proc", "stage", "store"}) (void)makeDirectory(mount.get(), name, 0700);
  return mount;
}

void attach(int mount, int directory, const char* path) {
  if (::move_mount(mount, "", directory, path, MOVE_MOUNT_F_EMPTY_PATH) != 0) throwErrno("move_mount");
}

}  // namespace

Fd enterView(int store) {
  Fd files = cloneMount(store, "");
  Fd processes = cloneMount(AT_FDCWD, "/proc");
  Fd root = emptyRoot();
  if (::unshare(CLONE_NEWNS) != 0) throwErrno("unshare");
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) throwErrno("make mounts private");
  attach(root.get(), AT_FDCWD, "/");
  attach(files.get(), root.get(), "store");
  attach(processes.get(), root.get(), "proc");
  struct mount_attr readOnly {};
  readOnly.attr_set = MOUNT_ATTR_RDONLY;
  if (::mount_setattr(root.get(), "", AT_EMPTY_PATH, &readOnly, sizeof readOnly) != 0)
    throwErrno("mount_setattr");
  // pivot_root(2): with the same directory twice, the old root comes to lie on top of the new one.
  if (::fchdir(root.get()) != 0 || ::syscall(SYS_pivot_root, ".", ".") != 0) throwErrno("pivot_root");
  if (::umount2(".", MNT_DETACH) != 0 || ::chdir("/") != 0) throwErrno("umount old root");
  return openDirectory("/store");
}

}  // namespace bulkhead::mounter
