#include "daemons/storaged/drivers/probe.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "daemons/common/base/beneath.h"
#include "daemons/storaged/drivers/subvolume.h"
#include "daemons/storaged/overlay/overlay.h"

namespace bulkhead::drivers {
namespace {

constexpr mode_t ownerOnly = 0700;

bool shows(const Fd& root, const char* path) {
  return static_cast<bool>(tryOpenBeneath(root.get(), path, O_PATH));
}

// Two layers, of which the upper one hides what the lower one has.
overlay::Layers makeLayers(int directory) {
  Fd lower = makeDirectory(directory, "lower", ownerOnly);
  Fd top = makeDirectory(directory, "top", ownerOnly);
  (void)makeDirectory(makeDirectory(lower.get(), "opaque", ownerOnly).get(), "hidden", ownerOnly);
  (void)makeDirectory(lower.get(), "whiteout", ownerOnly);
  Fd opaque = makeDirectory(top.get(), "opaque", ownerOnly);
  if (::fsetxattr(opaque.get(), "user.overlay.opaque", "y", 1, 0) != 0)
    throwErrno("user extended attributes");
  if (::mknodat(top.get(), "whiteout", S_IFCHR, ::makedev(0, 0)) != 0) throwErrno("make a whiteout");
  overlay::Layers layers;
  layers.lower.push_back(std::move(top));
  layers.lower.push_back(std::move(lower));
  layers.upper = makeDirectory(directory, "upper", ownerOnly);
  layers.work = makeDirectory(directory, "work", ownerOnly);
  return layers;
}

std::string tryOverlay(int directory, const char* stage) {
  try {
    auto mount = overlay::mountOverlay(makeLayers(directory), false, stage);
    if (!mount) return describe(mount.error());
    if (!shows(*mount, "opaque") || shows(*mount, "opaque/hidden")) return "opaque directories do not hide";
    if (shows(*mount, "whiteout")) return "whiteouts do not hide";
    (void)makeDirectory(mount->get(), "new", ownerOnly);
    return "";
  } catch (const SystemError& error) {
    return error.what();
  }
}

std::string trySubvolumes(int directory) {
  try {
    Fd volume = makeSubvolume(directory, "diff");
    (void)makeSnapshot(directory, "root", volume.get());
    return "";
  } catch (const SystemError& error) {
    return error.what();
  }
}

}  // namespace

Found probeDrivers(int directory, const char* stage) {
  return {tryOverlay(directory, stage), trySubvolumes(directory)};
}

}  // namespace bulkhead::drivers
