#include "daemons/storaged/overlay/image-root.h"

#include <fcntl.h>
#include <sys/mount.h>

#include <cerrno>
#include <string>

#include "daemons/common/base/beneath.h"
#include "daemons/storaged/overlay/overlay.h"

namespace bulkhead::overlay {

Stores borrow(const Fd& own, const std::vector<Fd>& additional) {
  Stores stores(own.get());
  for (const Fd& store : additional) stores.additional.push_back(store.get());
  return stores;
}

Fd tryOpenLayer(const Stores& stores, const LayerName& name) {
  std::string path = "layers/" + name.text() + "/closed/diff";
  Fd layer = tryOpenBeneath(stores.own, path, O_RDONLY | O_DIRECTORY);
  for (size_t i = 0; !layer && errno == ENOENT && i < stores.additional.size(); ++i)
    layer = tryOpenBeneath(stores.additional[i], path, O_RDONLY | O_DIRECTORY);
  return layer;
}

Outcome<std::vector<Fd>> openLowers(const Stores& stores, const std::vector<LayerName>& names) {
  std::vector<Fd> lowers;
  for (const LayerName& name : names) {
    Fd lower = tryOpenLayer(stores, name);
    if (!lower)
      return refuse(Code::notFound, "layer " + name.text(), "cannot be opened: " + errnoText(errno));
    lowers.push_back(std::move(lower));
  }
  return lowers;
}

Outcome<Fd> mountImageRoot(const Stores& stores, const std::vector<LayerName>& names, const char* stage,
                           bool noExec) {
  auto lowers = openLowers(stores, names);
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
  inert.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  (noExec ? inert.attr_set : inert.attr_clr) |= MOUNT_ATTR_NOEXEC;
  inert.propagation = MS_PRIVATE;
  if (::mount_setattr(mount.get(), "", AT_EMPTY_PATH, &inert, sizeof inert) != 0) throwErrno("mount_setattr");
  return mount;
}

}  // namespace bulkhead::overlay
