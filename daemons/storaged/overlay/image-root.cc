#include "daemons/storaged/overlay/image-root.h"

#include <fcntl.h>
#include <sys/mount.h>

#include <cerrno>

#include "daemons/common/base/beneath.h"
#include "daemons/storaged/overlay/overlay.h"

namespace bulkhead::overlay {

Outcome<std::vector<Fd>> openLowers(int store, const std::vector<LayerName>& names) {
  std::vector<Fd> lowers;
  for (const LayerName& name : names) {
    Fd lower = tryOpenBeneath(store, "layers/" + name.text() + "/closed/diff", O_RDONLY | O_DIRECTORY);
    if (!lower)
      return refuse(Code::notFound, "layer " + name.text(), "cannot be opened: " + errnoText(errno));
    lowers.push_back(std::move(lower));
  }
  return lowers;
}

Outcome<Fd> mountImageRoot(int store, const std::vector<LayerName>& names, const char* stage) {
  auto lowers = openLowers(store, names);
  if (!lowers) return tl::unexpected(lowers.error());
  if (lowers->empty()) return refuse(Code::internal, "layers", "are none");
  Fd mount;
  if (lowers->size() == 1) {
    mount = Fd(::open_tree(lowers->front().get(), "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH));
    if (!mount) throwErrno("open_tree");
  } else {
    auto overlay = mountOverlay({std::move(*lowers), {}, {}}, false, stage);
    if (!overlay) return overlay;
    mount = std::move(*overlay);
  }
  struct mount_attr inert {};
  inert.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  inert.propagation = MS_PRIVATE;
  if (::mount_setattr(mount.get(), "", AT_EMPTY_PATH, &inert, sizeof inert) != 0) throwErrno("mount_setattr");
  return mount;
}

}  // namespace bulkhead::overlay
