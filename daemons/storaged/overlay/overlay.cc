#include "daemons/storaged/overlay/overlay.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "daemons/common/base/log.h"

namespace bulkhead::overlay {
namespace {

// kernel, filesystems/overlayfs.rst. redirect_dir has no "off" that userxattr accepts.
constexpr std::pair<const char*, const char*> settings[] = {
    {"metacopy", "off"}, {"redirect_dir", "nofollow"}, {"index", "off"}};

std::string pathOf(const Fd& fd) {
  return std::string(descriptorPaths) + "/" + std::to_string(fd.get());
}

bool addLayer(int context, const char* key, const Fd& layer, Method method) {
  if (method == Method::descriptors)
    return ::fsconfig(context, FSCONFIG_SET_FD, key, nullptr, layer.get()) == 0;
  return ::fsconfig(context, FSCONFIG_SET_STRING, key, pathOf(layer).c_str(), 0) == 0;
}

Fd mountByContext(Method method, const Layers& layers) {
  Fd context(::fsopen("overlay", FSOPEN_CLOEXEC));
  if (!context) return {};
  bool good = ::fsconfig(context.get(), FSCONFIG_SET_STRING, "source", "overlay", 0) == 0 &&
              ::fsconfig(context.get(), FSCONFIG_SET_FLAG, "userxattr", nullptr, 0) == 0;
  for (const auto& [key, value] : settings) {
    good = good && ::fsconfig(context.get(), FSCONFIG_SET_STRING, key, value, 0) == 0;
  }
  for (const Fd& layer : layers.lower) good = good && addLayer(context.get(), "lowerdir+", layer, method);
  if (layers.upper.valid()) {
    good = good && addLayer(context.get(), "upperdir", layers.upper, method) &&
           addLayer(context.get(), "workdir", layers.work, method);
  }
  good = good && ::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) == 0;
  return good ? Fd(::fsmount(context.get(), FSMOUNT_CLOEXEC, 0)) : Fd();
}

// Names relative to /proc/self/fd: 127 of them are half a kilobyte.
Fd mountByOptions(const Layers& layers, const char* stage) {
  std::string options = "userxattr";
  for (const auto& [key, value] : settings) options += std::string(",") + key + "=" + value;
  std::string separator = ",lowerdir=";
  for (const Fd& layer : layers.lower) options += std::exchange(separator, ":") + std::to_string(layer.get());
  if (layers.upper.valid()) {
    options +=
        ",upperdir=" + std::to_string(layers.upper.get()) + ",workdir=" + std::to_string(layers.work.get());
  }

  if (::chdir(descriptorPaths) != 0) return {};
  bool mounted = ::mount("overlay", stage, "overlay", 0, options.c_str()) == 0;
  int error = errno;
  if (::chdir("/") != 0) throwErrno("chdir");
  errno = error;
  if (!mounted) return {};
  Fd mount(::open_tree(AT_FDCWD, stage, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  error = errno;
  if (::umount2(stage, MNT_DETACH) != 0) throwErrno("umount stage");
  errno = error;
  return mount;
}

}  // namespace

Fd tryMount(Method method, const Layers& layers, const char* stage) {
  return method == Method::options ? mountByOptions(layers, stage) : mountByContext(method, layers);
}

Outcome<Fd> mountOverlay(const Layers& layers, bool readOnly, const char* stage) {
  Fd mount;
  int firstError = 0;  // the newest method's says most; the older ones may only say that they are old
  for (Method method : {Method::descriptors, Method::paths, Method::options}) {
    mount = tryMount(method, layers, stage);
    if (mount) break;
    if (firstError == 0) firstError = errno;
  }
  if (!mount) {
    log::error("cannot mount an overlay", {{"reason", errnoText(firstError)}});
    return refuse(Code::internal, "root file system", "cannot be mounted: " + errnoText(firstError));
  }
  struct statfs info {};
  if (::fstatfs(mount.get(), &info) != 0) throwErrno("fstatfs");
  if (info.f_type != OVERLAYFS_SUPER_MAGIC)
    return refuse(Code::internal, "root file system", "is not an overlay");
  if (layers.upper.valid() && (info.f_flags & ST_RDONLY) != 0)
    return refuse(Code::internal, "root file system", "came up read-only");
  if (readOnly) {
    struct mount_attr change {};
    change.attr_set = MOUNT_ATTR_RDONLY;
    if (::mount_setattr(mount.get(), "", AT_EMPTY_PATH, &change, sizeof change) != 0)
      throwErrno("mount_setattr");
  }
  return mount;
}

}  // namespace bulkhead::overlay
