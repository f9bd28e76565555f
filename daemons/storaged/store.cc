#include "daemons/storaged/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/error.h"

namespace bulkhead::storaged {
namespace {

constexpr mode_t ownerOnly = 0700;

Fd openPart(const Fd& root, const char* name) {
  return openBeneath(root.get(), name, O_RDONLY | O_DIRECTORY);
}

void give(const Fd& directory, uid_t uid, gid_t gid) {
  if (::fchown(directory.get(), uid, gid) != 0) throwErrno("chown the store");
  if (::fchmod(directory.get(), ownerOnly) != 0) throwErrno("chmod the store");
}

}  // namespace

void prepareStore(const std::string& path, uid_t uid, gid_t gid) {
  if (::mkdir(path.c_str(), ownerOnly) != 0 && errno != EEXIST) throwErrno("mkdir the store");
  Fd root = openDirectory(path);
  for (const char* name : {"layers", "staging", "trash", "containers"}) {
    give(makeDirectory(root.get(), name, ownerOnly), uid, gid);
  }
  give(root, uid, gid);
}

Store::Store(std::string path)
    : path_(std::move(path)),
      root_(openDirectory(path_)),
      layers_(openPart(root_, "layers")),
      staging_(openPart(root_, "staging")),
      trash_(openPart(root_, "trash")),
      containers_(openPart(root_, "containers")) {}

int Store::dir(Place place) const {
  switch (place) {
    case Place::layers:
      return layers_.get();
    case Place::staging:
      return staging_.get();
    case Place::containers:
      return containers_.get();
    case Place::trash:
      break;
  }
  return trash_.get();
}

void Store::makeStaged(const LayerName& name) {
  (void)makeDirectory(staging_.get(), name.text(), ownerOnly);
}

Fd Store::openForSync() const {
  return openBeneath(root_.get(), ".", O_RDONLY | O_DIRECTORY);
}

Size Store::wrappingOf(const LayerName& staged) const {
  constexpr std::uint64_t blockSize = 512;  // unit of st_blocks, stat(3type)
  Size size;
  for (const std::string& path : {staged.text(), staged.text() + "/closed"}) {
    struct stat info {};
    if (::fstatat(staging_.get(), path.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
    size += {static_cast<std::uint64_t>(info.st_blocks) * blockSize, 1};
  }
  return size;
}

void Store::settle(const std::vector<LayerName>& names, int openedForSync) const {
  if (names.empty()) return;
  if (::syncfs(openedForSync) != 0) throwErrno("syncfs the store");
  for (const LayerName& name : names) {
    const char* text = name.text().c_str();
    if (::renameat2(staging_.get(), text, layers_.get(), text, RENAME_NOREPLACE) != 0)
      throwErrno("rename a layer");
  }
  if (::fsync(layers_.get()) != 0 || ::fsync(staging_.get()) != 0) throwErrno("fsync the store");
}

void Store::makeContainer(const ContainerId& id) {
  (void)makeDirectory(containers_.get(), id.text(), ownerOnly);
}

std::vector<std::string> Store::list(Place place) const {
  int copy = ::openat(dir(place), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) throwErrno("open a directory of the store");
  std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(copy), ::closedir);
  if (!stream) throwErrno("fdopendir");
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(stream.get())) {
    std::string name(static_cast<const char*>(entry->d_name));
    if (name != "." && name != "..") names.push_back(std::move(name));
  }
  return names;
}

std::optional<LayerName> Store::toTrash(Place place, const std::string& name) {
  LayerName fresh = LayerName::generate();
  if (::renameat(dir(place), name.c_str(), trash_.get(), fresh.text().c_str()) == 0) return fresh;
  if (errno == ENOENT) return std::nullopt;
  throwErrno("rename into the trash");
}

bool Store::removeEmptied(const LayerName& inTrash) {
  return ::unlinkat(trash_.get(), inTrash.text().c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT;
}

}  // namespace bulkhead::storaged
