#include "daemons/storaged/mounter/volumes.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cerrno>

#include "daemons/common/base/beneath.h"
#include "daemons/storaged/drivers/subvolume.h"
#include "daemons/storaged/mounter/view.h"

namespace bulkhead::mounter {
namespace {

Fd clone(int file) {
  Fd mount(::open_tree(file, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH));
  if (!mount) throwErrno("open_tree");
  return mount;
}

// Kernels before 6.15 clone from attached mounts only.
class OnStage {
 public:
  explicit OnStage(const Fd& mount) {
    if (::move_mount(mount.get(), "", AT_FDCWD, stage, MOVE_MOUNT_F_EMPTY_PATH) != 0)
      throwErrno("move_mount");
  }
  ~OnStage() { (void)::umount2(stage, MNT_DETACH); }
  OnStage(const OnStage&) = delete;
  OnStage& operator=(const OnStage&) = delete;
};

}  // namespace

Outcome<Fd> partOf(const Fd& mount, const std::string& path) {
  OnStage attached(mount);
  Fd part = tryOpenInRoot(mount.get(), path, O_PATH);
  if (!part) return refuse(Code::notFound, "subPath", "cannot be opened in the image: " + errnoText(errno));
  struct stat info {};
  if (::fstat(part.get(), &info) != 0) throwErrno("fstat");
  if (!S_ISDIR(info.st_mode) && !S_ISREG(info.st_mode))
    return invalid("subPath", "is neither a directory nor a regular file of the image");
  return clone(part.get());
}

Outcome<Fd> anonymousVolume(int store, const ContainerId& container, std::uint16_t number) {
  constexpr mode_t mode = 0755;
  Fd directory = tryOpenBeneath(store, "containers/" + container.text(), O_RDONLY | O_DIRECTORY);
  if (!directory)
    return refuse(Code::notFound, "container", "has no directory in the store: " + errnoText(errno));
  Fd closed = makeClosedDirectory(directory.get(), "closed");
  Fd volumes = drivers::makeErasable(closed.get(), "volumes");
  Fd volume = makeDirectory(volumes.get(), std::to_string(number), mode);
  if (::fchmod(volume.get(), mode) != 0) throwErrno("fchmod");  // the umask took bits away
  Fd mount = clone(volume.get());
  struct mount_attr alone {};
  alone.propagation = MS_PRIVATE;
  if (::mount_setattr(mount.get(), "", AT_EMPTY_PATH, &alone, sizeof alone) != 0) throwErrno("mount_setattr");
  return mount;
}

}  // namespace bulkhead::mounter
