#include "daemons/common/jail/view.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/error.h"

namespace bulkhead::jail {
namespace {

constexpr unsigned inert = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

void setAttributes(const Fd& mount, unsigned attributes, unsigned propagation, unsigned how = 0) {
  struct mount_attr change {};
  change.attr_set = attributes;
  change.propagation = propagation;
  if (::mount_setattr(mount.get(), "", AT_EMPTY_PATH | how, &change, sizeof change) != 0)
    throwErrno("mount_setattr");
}

Fd emptyRoot() {
  Fd context(::fsopen("tmpfs", FSOPEN_CLOEXEC));
  if (!context || ::fsconfig(context.get(), FSCONFIG_SET_STRING, "mode", "0755", 0) != 0 ||
      ::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    throwErrno("tmpfs");
  }
  Fd mount(::fsmount(context.get(), FSMOUNT_CLOEXEC, inert));
  if (!mount) throwErrno("fsmount tmpfs");
  return mount;
}

// Whatever the umask: the process may become somebody who is not root.
Fd makePlace(int root, const std::string& path) {
  Fd at = duplicate(root);
  for (size_t begin = 1, end = 0; begin < path.size(); begin = end + 1) {
    end = std::min(path.find('/', begin), path.size());
    at = makeDirectory(at.get(), path.substr(begin, end - begin), 0755);
    if (::fchmod(at.get(), 0755) != 0) throwErrno("chmod a place in the view");
  }
  return at;
}

void attach(int mount, int directory) {
  constexpr unsigned here = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
  if (::move_mount(mount, "", directory, "", here) != 0) throwErrno("move_mount");
}

// `root` comes to lie on "/" of a namespace of our own: nothing that happens here may travel back, and
// nothing of the host's may come in.
void putOverRoot(const Fd& root) {
  if (::unshare(CLONE_NEWNS) != 0) throwErrno("unshare");
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) throwErrno("make mounts private");
  if (::move_mount(root.get(), "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) != 0) throwErrno("move_mount");
}

// pivot_root(2): with the same directory twice, the old root comes to lie on top of the new one, ready to be
// taken off, and the rest of the host's tree goes with it.
void leaveTheRest(const Fd& root) {
  if (::fchdir(root.get()) != 0 || ::syscall(SYS_pivot_root, ".", ".") != 0) throwErrno("pivot_root");
  if (::umount2(".", MNT_DETACH) != 0 || ::chdir("/") != 0) throwErrno("umount old root");
  // What lay on the old root's directory went first, and the old root is still there: ".." leads to it.
  struct stat above {};
  struct stat own {};
  if (::stat("/..", &above) != 0 || ::stat("/", &own) != 0) throwErrno("stat root");
  if (above.st_dev != own.st_dev || above.st_ino != own.st_ino)
    throw SystemError("the old root is not gone", EBUSY);
}

}  // namespace

Fd cloneMount(int directory, unsigned attributes, unsigned how) {
  Fd mount(::open_tree(directory, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | how));
  if (!mount) throwErrno("open_tree");
  setAttributes(mount, attributes, MS_PRIVATE, how);
  return mount;
}

void enterView(const std::vector<Piece>& pieces) {
  Fd root = emptyRoot();
  putOverRoot(root);
  for (const Piece& piece : pieces) {
    Fd place = makePlace(root.get(), piece.path);
    if (piece.mount) attach(piece.mount.get(), place.get());
  }
  setAttributes(root, MOUNT_ATTR_RDONLY, 0);
  leaveTheRest(root);
}

void enterCell(Fd mount) {
  putOverRoot(mount);
  leaveTheRest(mount);
}

}  // namespace bulkhead::jail
