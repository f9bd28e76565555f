#include "daemons/shim/launcher/image-root.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "daemons/common/base/beneath.h"
#include "daemons/shim/ceiling/ceiling.h"
#include "daemons/shim/ceiling/host-path.h"
#include "ipc/convert.h"

namespace bulkhead::launcher {
namespace {

// CVE-2026-41579: runc makes nodes and links in /dev by path, before the container's root is its own.
Outcome<void> checkKernelDirectories(int root) {
  for (const char* name : {"dev", "proc", "sys"}) {
    struct stat info {};
    bool there = ::fstatat(root, name, &info, AT_SYMLINK_NOFOLLOW) == 0;
    if (there ? !S_ISDIR(info.st_mode) : errno != ENOENT) {
      return refuse(Code::failedPrecondition, "image", std::string("its /") + name + " is not a directory");
    }
  }
  return {};
}

class Places {
 public:
  Places(int root, const std::string& rootPath) : root_(root), rootPath_(rootPath) {}

  // Where `path` really is. What is missing will be made by the runtime, so it is where its parent is; but a
  // link that leads nowhere now (into an empty /proc) would lead somewhere then.
  Outcome<std::string> of(const std::string& path, const std::string& field) const {
    for (size_t end = path.size();; end = path.rfind('/', end - 1)) {
      std::string existing = end == 0 ? "/" : path.substr(0, end);
      if (Fd at = tryOpenInRoot(root_, existing, O_PATH)) return textOf(at) + path.substr(end);
      if (errno != ENOENT || end == 0) return refused(field);
      size_t slash = path.rfind('/', end - 1);
      Fd parent = tryOpenInRoot(root_, slash == 0 ? "/" : path.substr(0, slash), O_PATH);
      struct stat info {};
      bool dangling = parent && ::fstatat(parent.get(), path.substr(slash + 1, end - slash - 1).c_str(),
                                          &info, AT_SYMLINK_NOFOLLOW) == 0;
      if (dangling) return refused(field);
    }
  }

 private:
  static tl::unexpected<Refusal> refused(const std::string& field) {
    return refuse(Code::failedPrecondition, field, "cannot be followed inside the image");
  }

  std::string textOf(const Fd& at) const {
    std::string path(PATH_MAX, '\0');
    ssize_t size =
        ::readlink(("/proc/self/fd/" + std::to_string(at.get())).c_str(), path.data(), path.size());
    path.resize(static_cast<size_t>(std::max<ssize_t>(size, 0)));
    if (!ceiling::isBeneath(path, rootPath_)) throw std::runtime_error("a place outside the image's root");
    std::string inside = path.substr(rootPath_.size());
    return inside == "/" ? "" : inside;
  }

  int root_;
  const std::string& rootPath_;
};

}  // namespace

Outcome<void> checkImageRoot(int root, const std::string& rootPath, schema::ContainerSpec::Reader spec) {
  if (auto ok = checkKernelDirectories(root); !ok) return ok;
  Places places(root, rootPath);
  auto orRoot = [](const std::string& place) { return place.empty() ? std::string("/") : place; };
  if (spec.getWorkingDirectory().size() > 0) {
    auto asked =
        ceiling::parseHostPath(ipc::toString(spec.getWorkingDirectory()), "workingDirectory").value();
    auto place = places.of(asked, "workingDirectory");
    if (!place) return tl::unexpected(place.error());
    if (auto ok = ceiling::checkWorkingDirectory(orRoot(*place)); !ok) return ok;
  }
  auto mounts = spec.getMounts();
  for (unsigned i = 0; i < mounts.size(); ++i) {
    std::string field = "mounts[" + std::to_string(i) + "].destination";
    auto asked = ceiling::parseHostPath(ipc::toString(mounts[i].getDestination()), field).value();
    auto place = places.of(asked, field);
    if (!place) return tl::unexpected(place.error());
    if (auto ok = ceiling::checkDestination(orRoot(*place), spec.getPrivileged(), field); !ok) return ok;
  }
  auto directories = spec.getDirectories();
  for (unsigned i = 0; i < directories.size(); ++i) {
    std::string field = "directories[" + std::to_string(i) + "]";
    auto place = places.of(ceiling::parseHostPath(ipc::toString(directories[i]), field).value(), field);
    if (!place) return tl::unexpected(place.error());
    if (auto ok = ceiling::checkImageDirectory(orRoot(*place), field); !ok) return ok;
  }
  return {};
}

}  // namespace bulkhead::launcher
