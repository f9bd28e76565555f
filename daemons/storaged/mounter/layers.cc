#include "daemons/storaged/mounter/layers.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>

#include "daemons/common/base/beneath.h"
#include "daemons/storaged/drivers/project-quota.h"

namespace bulkhead::mounter {
namespace {

constexpr int directoryFlags = O_RDONLY | O_DIRECTORY;
constexpr const char* unfinished = "upper.new";

// "upper" appears by rename, so after a crash it has its owner and mode or is not there.
Fd makeUpper(int container, int topmostLower, std::uint32_t project) {
  Fd upper = tryOpenBeneath(container, "upper", directoryFlags);
  if (upper || errno != ENOENT) return upper;
  struct stat like {};
  if (::fstat(topmostLower, &like) != 0) throwErrno("fstat layer");
  upper = makeDirectory(container, unfinished, 0700);
  if (project != 0) (void)drivers::joinProject(upper.get(), project);  // where there is none, workers count
  const struct timespec times[2] = {{0, UTIME_OMIT}, like.st_mtim};
  if (::fchown(upper.get(), like.st_uid, like.st_gid) != 0 ||
      ::fchmod(upper.get(), like.st_mode & 07777) != 0 || ::futimens(upper.get(), times) != 0 ||
      ::renameat(container, unfinished, container, "upper") != 0) {
    throwErrno("make upper");
  }
  return upper;
}

Outcome<Fd> containerDirectory(int store, const ContainerId& container) {
  Fd directory = tryOpenBeneath(store, "containers/" + container.text(), directoryFlags);
  if (directory) return directory;
  return refuse(Code::notFound, "container", "has no directory in the store: " + errnoText(errno));
}

}  // namespace

Outcome<void> openWritable(int store, const ContainerId& container, std::uint32_t project,
                           overlay::Layers& layers) {
  auto directory = containerDirectory(store, container);
  if (!directory) return tl::unexpected(directory.error());
  Fd closed = makeClosedDirectory(directory->get(), "closed");
  layers.upper = makeUpper(closed.get(), layers.lower.front().get(), project);
  if (!layers.upper) return refuse(Code::internal, "container", "has no usable upper: " + errnoText(errno));
  layers.work = makeDirectory(closed.get(), "work", 0700);
  // Files are made in work and renamed into upper, which a quota allows only within one project.
  if (project != 0) (void)drivers::joinProject(layers.work.get(), project);
  return {};
}

Outcome<Fd> openComposed(int store, const ContainerId& container) {
  auto directory = containerDirectory(store, container);
  if (!directory) return directory;
  Fd root = tryOpenBeneath(directory->get(), "closed/root", directoryFlags);
  if (!root) return refuse(Code::notFound, "container", "has no root file system: " + errnoText(errno));
  return root;
}

}  // namespace bulkhead::mounter
