#include "daemons/storaged/worker/layer-tree.h"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "daemons/common/base/beneath.h"
#include "daemons/storaged/worker/erase.h"
#include "ipc/limits.h"

namespace bulkhead::worker {
namespace {

constexpr mode_t impliedMode = 0755;
constexpr const char* opaqueMark = "user.overlay.opaque";
constexpr std::string_view overlayPrefix = "user.overlay.";

std::string textOf(const EntryName& name) {
  if (name.isRoot()) return "/";
  return name.parent() == "." ? name.last() : name.parent() + "/" + name.last();
}

// By errno: is it the archive that asks for nonsense, the disk that is full, or us?
tl::unexpected<Refusal> failed(const EntryName& name, const char* what) {
  int error = errno;
  Code code = Code::internal;
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) code = Code::resourceExhausted;
  if (error == ELOOP || error == ENOTDIR || error == ENOENT || error == EEXIST || error == ENAMETOOLONG ||
      error == EINVAL || error == EXDEV || error == EMLINK || error == E2BIG || error == ERANGE) {
    code = Code::invalidArgument;
  }
  return refuse(code, fieldOf(textOf(name)), std::string("cannot ") + what + ": " + errnoText(error));
}

bool isWhiteout(const struct stat& info) {
  return S_ISCHR(info.st_mode) && info.st_rdev == 0;
}

Outcome<void> setXattrs(int fd, const EntryName& name, const Attributes& attributes) {
  for (const auto& [key, value] : attributes.xattrs) {
    // A file system without them loses them, as with the peers.
    if (::fsetxattr(fd, key.c_str(), value.data(), value.size(), 0) != 0 && errno != ENOTSUP) {
      return failed(name, "set an extended attribute");
    }
  }
  return {};
}

// Only what is not so already: most files are root's, and were made with their mode. Owner first: chown
// clears setuid bits and capabilities.
Outcome<void> applyToOpen(int fd, const struct stat& now, const EntryName& name,
                          const Attributes& attributes) {
  bool owned = now.st_uid == attributes.uid && now.st_gid == attributes.gid;
  if (!owned && ::fchown(fd, attributes.uid, attributes.gid) != 0) return failed(name, "set its owner");
  bool hasMode = owned && (now.st_mode & 07777) == attributes.mode;
  if (!hasMode && ::fchmod(fd, attributes.mode) != 0) return failed(name, "set its mode");
  return setXattrs(fd, name, attributes);
}

Outcome<void> markOpaque(int directory, const EntryName& name) {
  if (::fsetxattr(directory, opaqueMark, "y", 1, 0) != 0) return failed(name, "mark a directory opaque");
  return {};
}

std::array<struct timespec, 2> times(const struct timespec& modified) {
  return {{{0, UTIME_OMIT}, modified}};
}

}  // namespace

bool keepsXattr(std::string_view name) {
  if (name == "security.capability") return true;
  return name.starts_with("user.") && !name.starts_with(overlayPrefix);
}

Outcome<void> LayerTree::count() {
  if (inodes_ >= limit_) return refuse(Code::resourceExhausted, "layer", "has too many entries");
  ++inodes_;
  return {};
}

Outcome<Fd> LayerTree::parentOf(const EntryName& name) {
  Fd parent = tryOpenInRoot(root_, name.parent(), O_RDONLY | O_DIRECTORY);
  if (parent) return parent;
  if (errno != ENOENT) return failed(name, "reach its directory");
  return makeMissingParents(name);
}

Outcome<Fd> LayerTree::makeMissingParents(const EntryName& name) {
  std::string path;
  Fd at = tryOpenInRoot(root_, ".", O_RDONLY | O_DIRECTORY);
  for (size_t i = 0; at && i + 1 < name.components().size(); ++i) {
    const std::string& component = name.components()[i];
    path += (i == 0 ? "" : "/") + component;
    // From the root again: the component may be a symlink, which has to stay inside.
    Fd next = tryOpenInRoot(root_, path, O_RDONLY | O_DIRECTORY);
    if (!next && errno == ENOENT) {
      if (auto counted = count(); !counted) return tl::unexpected(counted.error());
      if (::mkdirat(at.get(), component.c_str(), impliedMode) != 0) return failed(name, "make its directory");
      next = tryOpenInRoot(root_, path, O_RDONLY | O_DIRECTORY);
      if (next && ::fchmod(next.get(), impliedMode) != 0) return failed(name, "make its directory");
    }
    at = std::move(next);
  }
  if (!at) return failed(name, "reach its directory");
  return at;
}

// Makes something of that name in its parent, which it returns. `make` fails with EEXIST where there is
// something already; that goes, whatever it is. Mostly there is nothing, and one call does.
Outcome<Fd> LayerTree::put(const EntryName& name, const char* what, const Make& make) {
  if (name.isRoot()) return invalid("entry '/'", "is not a directory");
  auto parent = parentOf(name);
  if (!parent) return parent;
  if (auto counted = count(); !counted) return tl::unexpected(counted.error());
  const char* last = name.last().c_str();
  if (make(parent->get(), last) == 0) return parent;
  if (errno != EEXIST) return failed(name, what);
  if (auto erased = eraseEntry(parent->get(), name.last()); !erased) return tl::unexpected(erased.error());
  if (make(parent->get(), last) != 0) return failed(name, what);
  return parent;
}

Outcome<void> LayerTree::makeDirectory(const EntryName& name, const Attributes& attributes) {
  Fd directory;
  if (name.isRoot()) {
    directory = tryOpenInRoot(root_, ".", O_RDONLY | O_DIRECTORY);
  } else {
    auto parent = parentOf(name);
    if (!parent) return tl::unexpected(parent.error());
    struct stat before {};
    bool exists = ::fstatat(parent->get(), name.last().c_str(), &before, AT_SYMLINK_NOFOLLOW) == 0;
    bool hides = exists && isWhiteout(before);
    if (!exists || !S_ISDIR(before.st_mode)) {
      auto made =
          put(name, "make the directory", [](int at, const char* last) { return ::mkdirat(at, last, 0700); });
      if (!made) return tl::unexpected(made.error());
    }
    directory =
        Fd(::openat(parent->get(), name.last().c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    // A whiteout that came first hid the lower directory; now the new one has to.
    if (directory && hides) {
      if (auto marked = markOpaque(directory.get(), name); !marked) return marked;
    }
  }
  if (!directory) return failed(name, "open the directory");
  directoryTimes_.emplace_back(textOf(name), attributes.modified);
  directoryNames_ += directoryTimes_.back().first.size();
  if (directoryNames_ > limits::directoryNames)
    return refuse(Code::resourceExhausted, "layer", "has too many directories with long names");
  struct stat now {};
  if (::fstat(directory.get(), &now) != 0) return failed(name, "look at the directory");
  return applyToOpen(directory.get(), now, name, attributes);
}

Outcome<Fd> LayerTree::makeFile(const EntryName& name, const Attributes& attributes) {
  constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  // Without setuid and setgid, which wait for the owner. Nobody but us reaches the layer yet.
  mode_t mode = attributes.mode & 0777;
  // Mostly its directory is there and it is not, and one call does.
  Fd file = !name.isRoot() && inodes_ < limit_ ? tryOpenInRoot(root_, textOf(name), flags, mode) : Fd();
  if (file) {
    ++inodes_;
    return file;
  }
  auto place = put(name, "create the file", [&](int parent, const char* last) {
    file = Fd(::openat(parent, last, flags, mode));
    return file ? 0 : -1;
  });
  if (!place) return place;
  return file;
}

Outcome<void> LayerTree::finishFile(int file, const EntryName& name, const Attributes& attributes,
                                    off_t size) {
  struct stat now {};
  if (::fstat(file, &now) != 0 || (now.st_size < size && ::ftruncate(file, size) != 0)) {
    return failed(name, "write the file");
  }
  if (auto applied = applyToOpen(file, now, name, attributes); !applied) return applied;
  if (::futimens(file, times(attributes.modified).data()) != 0) return failed(name, "set its time");
  return {};
}

Outcome<void> LayerTree::applyToPath(int parent, const EntryName& name, const Attributes& attributes,
                                     bool hasMode) {
  const char* last = name.last().c_str();
  if (::fchownat(parent, last, attributes.uid, attributes.gid, AT_SYMLINK_NOFOLLOW) != 0) {
    return failed(name, "set its owner");
  }
  // Made by us a moment ago in a tree that nobody else can reach: not a symlink, whatever the flag does.
  if (hasMode && ::fchmodat(parent, last, attributes.mode, 0) != 0) return failed(name, "set its mode");
  if (::utimensat(parent, last, times(attributes.modified).data(), AT_SYMLINK_NOFOLLOW) != 0) {
    return failed(name, "set its time");
  }
  return {};
}

Outcome<void> LayerTree::makeSymlink(const EntryName& name, const std::string& target,
                                     const Attributes& attributes) {
  auto place = put(name, "make the symlink",
                   [&](int parent, const char* last) { return ::symlinkat(target.c_str(), parent, last); });
  if (!place) return tl::unexpected(place.error());
  return applyToPath(place->get(), name, attributes, false);
}

// The link's own attributes are ignored: they are its target's, and came with the target.
Outcome<void> LayerTree::makeHardLink(const EntryName& name, const EntryName& target) {
  if (name.isRoot() || target.isRoot()) return invalid(fieldOf(textOf(name)), "is a hard link of the root");
  Fd from = tryOpenInRoot(root_, target.parent(), O_PATH | O_DIRECTORY);
  if (!from) return failed(name, "reach the hard link's target");
  struct stat old {};
  if (::fstatat(from.get(), target.last().c_str(), &old, AT_SYMLINK_NOFOLLOW) != 0) {
    return failed(name, "find the hard link's target");
  }
  if (S_ISDIR(old.st_mode)) return invalid(fieldOf(textOf(name)), "is a hard link of a directory");
  auto parent = parentOf(name);
  if (!parent) return tl::unexpected(parent.error());
  struct stat existing {};
  bool same = ::fstatat(parent->get(), name.last().c_str(), &existing, AT_SYMLINK_NOFOLLOW) == 0 &&
              existing.st_ino == old.st_ino;
  if (same) return {};
  auto place = put(name, "make the hard link", [&](int at, const char* last) {
    return ::linkat(from.get(), target.last().c_str(), at, last, 0);
  });
  if (!place) return tl::unexpected(place.error());
  return {};
}

Outcome<void> LayerTree::makeNode(const EntryName& name, mode_t type, dev_t device,
                                  const Attributes& attributes) {
  auto place = put(name, "make the node", [&](int parent, const char* last) {
    return ::mknodat(parent, last, type | 0600, device);
  });
  if (!place) return tl::unexpected(place.error());
  return applyToPath(place->get(), name, attributes, true);
}

Outcome<void> LayerTree::makeWhiteout(const EntryName& name, const std::string& target) {
  auto parent = parentOf(name);
  if (!parent) return tl::unexpected(parent.error());
  struct stat existing {};
  if (::fstatat(parent->get(), target.c_str(), &existing, AT_SYMLINK_NOFOLLOW) == 0) {
    // This layer has something of that name: it hides the lower one by itself, a directory when it is opaque.
    if (!S_ISDIR(existing.st_mode)) return {};
    Fd directory(::openat(parent->get(), target.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    return directory ? markOpaque(directory.get(), name) : failed(name, "open the directory");
  }
  if (auto counted = count(); !counted) return counted;
  if (::mknodat(parent->get(), target.c_str(), S_IFCHR, ::makedev(0, 0)) != 0)
    return failed(name, "make the whiteout");
  return {};
}

Outcome<void> LayerTree::makeOpaque(const EntryName& name) {
  auto parent = parentOf(name);
  if (!parent) return tl::unexpected(parent.error());
  return markOpaque(parent->get(), name);
}

Outcome<void> LayerTree::finishDirectories() {
  for (const auto& [text, modified] : directoryTimes_) {
    auto name = EntryName::parse(text);
    if (!name) return tl::unexpected(name.error());
    Fd parent = tryOpenInRoot(root_, name->isRoot() ? "." : name->parent(), O_RDONLY | O_DIRECTORY);
    const char* last = name->isRoot() ? "." : name->last().c_str();
    // A later entry may have put something else there; that has had its own time.
    Fd directory(parent ? ::openat(parent.get(), last, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1);
    if (directory && ::futimens(directory.get(), times(modified).data()) != 0)
      return failed(*name, "set its time");
  }
  return {};
}

}  // namespace bulkhead::worker
