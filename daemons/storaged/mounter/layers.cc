#include "daemons/storaged/mounter/layers.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>

#include "daemons/common/base/beneath.h"
#include "daemons/storaged/overlay/image-root.h"

namespace bulkhead::mounter {
namespace {

constexpr int directoryFlags = O_RDONLY | O_DIRECTORY;
constexpr const char* unfinished = "upper.new";

// "upper" appears by rename, so after a crash it has its owner and mode or is not there.
Fd makeUpper(int container, int topmostLower) {
  Fd upper = tryOpenBeneath(container, "upper", directoryFlags);
  if (upper || errno != ENOENT) return upper;
  struct stat like {};
  if (::fstat(topmostLower, &like) != 0) throwErrno("fstat layer");
  upper = makeDirectory(container, unfinished, 0700);
  const struct timespec times[2] = {{0, UTIME_OMIT}, like.st_mtim};
  if (::fchown(upper.get(), like.st_uid, like.st_gid) != 0 ||
      ::fchmod(upper.get(), like.st_mode & 07777) != 0 || ::futimens(upper.get(), times) != 0 ||
      ::renameat(container, unfinished, container, "upper") != 0) {
    throwErrno("make upper");
  }
  return upper;
}

}  // namespace

Outcome<overlay::Layers> openLayers(int store, const ContainerId& container,
                                    const std::vector<LayerName>& names) {
  Fd directory = tryOpenBeneath(store, "containers/" + container.text(), directoryFlags);
  if (!directory)
    return refuse(Code::notFound, "container", "has no directory in the store: " + errnoText(errno));
  auto lowers = overlay::openLowers(store, names);
  if (!lowers) return tl::unexpected(lowers.error());
  overlay::Layers layers{std::move(*lowers), {}, {}};
  Fd closed = makeClosedDirectory(directory.get(), "closed");
  layers.upper = makeUpper(closed.get(), layers.lower.front().get());
  if (!layers.upper) return refuse(Code::internal, "container", "has no usable upper: " + errnoText(errno));
  layers.work = makeDirectory(closed.get(), "work", 0700);
  return layers;
}

}  // namespace bulkhead::mounter
