#include "daemons/storaged/additional-stores.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <stdexcept>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/error.h"
#include "daemons/common/base/log.h"

namespace bulkhead::storaged {
namespace {

constexpr off_t largestIndex = off_t{1} << 30;
constexpr size_t copiedAtOnce = size_t{1} << 20;

// Whoever else could write there would choose what containers run.
void checkOwner(const Fd& directory) {
  struct stat info {};
  if (::fstat(directory.get(), &info) != 0) throwErrno("fstat");
  if (info.st_uid != 0) throw std::runtime_error("does not belong to root");
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    throw std::runtime_error("can be written by others than root");
}

// Where they cannot be read, directories that hide what lies beneath would show it.
void checkMarks(const Fd& layers) {
  char value = 0;
  if (::fgetxattr(layers.get(), "user.overlay.opaque", &value, sizeof value) < 0 && errno != ENODATA)
    throwErrno("user extended attributes");
}

std::set<std::string> namesIn(const Fd& directory) {
  int copy = ::openat(directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) throwErrno("open the layers");
  std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(copy), ::closedir);
  if (!stream) throwErrno("fdopendir");
  std::set<std::string> names;
  while (const dirent* entry = ::readdir(stream.get()))
    names.emplace(static_cast<const char*>(entry->d_name));
  return names;
}

// False if there is no such file.
bool copyFile(const Fd& from, const std::string& name, const std::string& to, uid_t uid, gid_t gid) {
  Fd source = tryOpenBeneath(from.get(), name, O_RDONLY | O_NONBLOCK);
  if (!source && errno == ENOENT) return false;
  struct stat info {};
  if (!source || ::fstat(source.get(), &info) != 0) throwErrno("open " + name);
  if (!S_ISREG(info.st_mode) || info.st_size > largestIndex)
    throw std::runtime_error(name + " is no file or over 1 GiB");
  Fd target(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!target || ::fchown(target.get(), uid, gid) != 0) throwErrno("make a copy of " + name);
  for (off_t at = 0; at < info.st_size;) {
    ssize_t copied = ::sendfile(target.get(), source.get(), &at, copiedAtOnce);
    if (copied < 0) throwErrno("copy " + name);
    if (copied == 0) break;  // it is shorter than it said
  }
  return true;
}

AdditionalStore openOne(const std::string& path, const std::string& copy, uid_t uid, gid_t gid) {
  AdditionalStore store{path, openDirectory(path), copy, {}};
  checkOwner(store.directory);
  Fd layers = openBeneath(store.directory.get(), "layers", O_RDONLY | O_DIRECTORY);
  checkMarks(layers);
  store.layers = namesIn(layers);
  if (!copyFile(store.directory, "bulkhead.sqlite", copy, uid, gid))
    throw std::runtime_error("has no index (bulkhead.sqlite)");
  // What was not yet moved into the file itself (sqlite.org/wal.html).
  (void)copyFile(store.directory, "bulkhead.sqlite-wal", copy + "-wal", uid, gid);
  return store;
}

}  // namespace

std::vector<AdditionalStore> openAdditional(const std::string& store, const std::vector<std::string>& paths,
                                            uid_t uid, gid_t gid) {
  std::vector<AdditionalStore> stores;
  for (size_t i = 0; i < paths.size(); ++i) {
    std::string copy = store + "/additional-" + std::to_string(i) + ".sqlite";
    removeIndexCopy(copy);  // of a start that did not get far
    try {
      stores.push_back(openOne(paths[i], copy, uid, gid));
    } catch (const std::exception& error) {
      removeIndexCopy(copy);
      log::error("an additional store is left out", {{"path", paths[i]}, {"reason", error.what()}});
    }
  }
  return stores;
}

void removeIndexCopy(const std::string& index) {
  for (const char* part : {"", "-wal", "-shm"}) (void)::unlink((index + part).c_str());
}

}  // namespace bulkhead::storaged
