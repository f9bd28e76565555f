#include "daemons/shim/launcher/bind-source.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>

#include "daemons/common/base/beneath.h"
#include "daemons/shim/ceiling/host-path.h"
#include "ipc/convert.h"

namespace bulkhead::launcher {
namespace {

using schema::Mount;

Outcome<ceiling::BindGrant> judge(int fd, const std::string& missing, Mount::Reader mount,
                                  const ceiling::BindRules& rules, const std::string& field) {
  std::string path = realPathOf(fd);
  if (path.empty()) return refuse(Code::failedPrecondition, field, "has no path of its own");
  return ceiling::judgeBind((path == "/" && !missing.empty() ? "" : path) + missing, mount.getReadOnly(),
                            mount.getRecursiveReadOnly(), rules, field);
}

// Makes `path` from its deepest existing directory on, if a source of this name would be admitted.
Outcome<Fd> makeSource(int root, const std::string& path, Mount::Reader mount,
                       const ceiling::BindRules& rules, const std::string& field) {
  size_t end = path.size();
  Fd parent;
  while (!parent && end > 0) {
    end = path.rfind('/', end - 1);
    parent = tryOpenInRoot(root, end == 0 ? "/" : path.substr(0, end), O_PATH | O_DIRECTORY);
    if (!parent && errno != ENOENT) break;
  }
  if (!parent) return refuse(Code::failedPrecondition, field, "cannot be opened: " + errnoText(errno));
  if (auto granted = judge(parent.get(), path.substr(end), mount, rules, field); !granted) {
    return tl::unexpected(granted.error());
  }
  for (size_t at = end + 1; at < path.size();) {
    size_t to = std::min(path.find('/', at), path.size());
    try {
      parent = makeDirectory(parent.get(), path.substr(at, to - at), 0755);
    } catch (const SystemError& error) {  // a dangling link
      return refuse(Code::failedPrecondition, field, "cannot be made: " + errnoText(error.number()));
    }
    at = to + 1;
  }
  return parent;
}

void setAttributes(int mount, struct mount_attr attributes, bool recursive) {
  unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0U);
  if (::syscall(SYS_mount_setattr, mount, "", flags, &attributes, sizeof attributes) != 0)
    throwErrno("mount_setattr");
}

std::uint64_t propagationFlag(Mount::Propagation propagation) {
  switch (propagation) {
    case Mount::Propagation::BIDIRECTIONAL:
      return 0;
    case Mount::Propagation::HOST_TO_CONTAINER:
      return MS_SLAVE;
    default:
      return MS_PRIVATE;
  }
}

}  // namespace

std::string realPathOf(int fd) {
  std::string path(PATH_MAX, '\0');
  ssize_t size = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), path.data(), path.size());
  path.resize(static_cast<size_t>(std::max<ssize_t>(size, 0)));
  struct stat info {};
  bool removed = path.ends_with(" (deleted)") && ::lstat(path.c_str(), &info) != 0;
  return removed || path.empty() || path[0] != '/' ? "" : path;
}

Outcome<BindSource> openBindSource(Mount::Reader mount, const ceiling::BindRules& rules,
                                   const std::string& field) {
  std::string path = ceiling::parseHostPath(ipc::toString(mount.getSource()), field).value();
  Fd root = openDirectory("/");
  // Symlinks are followed, as the peers do; magic links are not, so that the file's path is one of the
  // host's.
  Fd source = tryOpenInRoot(root.get(), path, O_PATH);
  if (!source && errno == ENOENT) {
    auto made = makeSource(root.get(), path, mount, rules, field);
    if (!made) return tl::unexpected(made.error());
    source = std::move(*made);
  }
  if (!source) return refuse(Code::failedPrecondition, field, "cannot be opened: " + errnoText(errno));
  auto granted = judge(source.get(), "", mount, rules, field);
  if (!granted) return tl::unexpected(granted.error());

  struct stat info {};
  if (::fstat(source.get(), &info) != 0) throwErrno("fstat bind source");
  if (granted->recursiveReadOnly && mount.getPropagation() != Mount::Propagation::PRIVATE) {
    return refuse(Code::permissionDenied, field,
                  "is granted read-only, and what is mounted there later would come in writable: use private "
                  "propagation");
  }
  Fd clone(static_cast<int>(::syscall(SYS_open_tree, source.get(), "",
                                      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE)));
  if (!clone) return refuse(Code::failedPrecondition, field, "cannot be bound: " + errnoText(errno));
  if (std::uint64_t propagation = propagationFlag(mount.getPropagation())) {
    setAttributes(clone.get(), {.propagation = propagation}, true);
  }
  if (mount.getReadOnly())
    setAttributes(clone.get(), {.attr_set = MOUNT_ATTR_RDONLY}, granted->recursiveReadOnly);
  return BindSource{std::move(clone), S_ISDIR(info.st_mode)};
}

}  // namespace bulkhead::launcher
