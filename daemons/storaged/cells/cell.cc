#include "daemons/storaged/cells/cell.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <string>

#include "daemons/common/base/beneath.h"
#include "daemons/common/jail/view.h"
#include "daemons/storaged/cells/composition.h"
#include "daemons/storaged/overlay/image-root.h"

namespace bulkhead::cells {
namespace {

constexpr unsigned inert = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

Fd directoryAt(int store, const std::string& path) {
  return openBeneath(store, path, O_PATH | O_DIRECTORY);
}

void attachToRoot(const Fd& mount) {
  if (::move_mount(mount.get(), "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) != 0) throwErrno("move_mount");
}

void detach(const Fd& mount) {
  if (::fchdir(mount.get()) != 0 || ::umount2(".", MNT_DETACH) != 0) throwErrno("umount the store");
}

}  // namespace

Fd layerMount(int store, const LayerName& layer, Driver driver) {
  Fd staged = openBeneath(store, "staging/" + layer.text(), O_RDONLY | O_DIRECTORY);
  return jail::cloneMount(makeLayerFiles(staged.get(), driver).get(), inert);
}

Fd trashMount(int store, const LayerName& name) {
  return jail::cloneMount(directoryAt(store, "trash/" + name.text()).get(), inert);
}

WritableLayer writableLayer(int store, const ContainerId& container, Driver driver) {
  Fd directory = directoryAt(store, "containers/" + container.text());
  Fd closed = tryOpenBeneath(directory.get(), "closed", O_RDONLY | O_DIRECTORY);
  if (!closed && errno != ENOENT) throwErrno("open closed");
  if (!closed) return {emptyMount(), 0, {}};
  Fd files = tryOpenBeneath(closed.get(), composes(driver) ? "root" : "upper", O_RDONLY | O_DIRECTORY);
  if (!files && errno != ENOENT) throwErrno("open the writable layer");
  if (!files) return {emptyMount(), 0, {}};
  struct statx born {};  // right before the snapshot, and after every change to its tree
  if (driver == Driver::btrfs && ::statx(closed.get(), "", AT_EMPTY_PATH, STATX_BTIME, &born) != 0)
    throwErrno("statx closed");
  return {jail::cloneMount(files.get(), inert | MOUNT_ATTR_RDONLY),
          born.stx_btime.tv_sec * std::int64_t{1'000'000'000} + born.stx_btime.tv_nsec,
          drivers::projectUsage(files.get())};
}

// Recursive: a policy that is hidden by the absence of its mount would look like none.
Fd trustMount(int trust) {
  return jail::cloneMount(trust, inert | MOUNT_ATTR_RDONLY, AT_RECURSIVE);
}

Fd emptyMount() {
  Fd context(::fsopen("tmpfs", FSOPEN_CLOEXEC));
  if (!context) throwErrno("fsopen tmpfs");
  if (::fsconfig(context.get(), FSCONFIG_SET_STRING, "mode", "0555", 0) != 0 ||
      ::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    throwErrno("fsconfig tmpfs");
  }
  Fd mount(::fsmount(context.get(), FSMOUNT_CLOEXEC, inert | MOUNT_ATTR_RDONLY));
  if (!mount) throwErrno("fsmount tmpfs");
  return mount;
}

Fd imageMount(const overlay::Stores& stores, const std::vector<LayerName>& layers) {
  Fd own = jail::cloneMount(stores.own, inert);
  std::vector<Fd> additional;
  for (int store : stores.additional)
    additional.push_back(jail::cloneMount(store, inert | MOUNT_ATTR_RDONLY));
  if (::unshare(CLONE_NEWNS) != 0) throwErrno("unshare");
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) throwErrno("make mounts private");
  // The kernel takes layers from mounts of the process's own namespace only. Nobody looks there by path: the
  // root directory stays what it was, beneath.
  attachToRoot(own);
  for (const Fd& store : additional) attachToRoot(store);
  auto root = overlay::mountImageRoot(overlay::borrow(own, additional), layers, "/proc", true);
  if (!root) throw std::runtime_error(describe(root.error()));
  // Nothing may lie on the root directory when the cell is entered.
  for (auto last = additional.rbegin(); last != additional.rend(); ++last) detach(*last);
  detach(own);
  if (::chdir("/") != 0) throwErrno("chdir");
  return std::move(*root);
}

}  // namespace bulkhead::cells
