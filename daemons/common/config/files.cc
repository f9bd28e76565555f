#include "daemons/common/config/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <stdexcept>

#include "daemons/common/base/error.h"

namespace bulkhead {
namespace {

void checkOwner(int fd, const std::string& name) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) throwErrno("fstat " + name);
  bool isOurs = info.st_uid == 0 || info.st_uid == ::geteuid();
  if (!isOurs) throw std::runtime_error(name + ": is not owned by root");
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    throw std::runtime_error(name + ": is writable by group or others");
}

// Non-blocking: a FIFO by that name must not hang the start.
Fd openFile(int directory, const std::string& path, const std::string& name) {
  Fd fd(::openat(directory, path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!fd && errno == ENOENT) return {};
  if (!fd) throwErrno("open " + name);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) throwErrno("fstat " + name);
  if (!S_ISREG(info.st_mode)) throw std::runtime_error(name + ": is not a regular file");
  checkOwner(fd.get(), name);
  return fd;
}

std::vector<std::string> dropInNames(int directory) {
  std::unique_ptr<DIR, int (*)(DIR*)> listing(::fdopendir(duplicate(directory).release()), ::closedir);
  if (!listing) throwErrno("fdopendir");
  std::vector<std::string> names;
  while (const struct dirent* entry = ::readdir(listing.get())) {
    std::string name = entry->d_name;
    if (name[0] != '.' && name.ends_with(".toml")) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

std::vector<ConfigFile> openConfigFiles(const std::string& path) {
  std::vector<ConfigFile> files;
  std::string name = path.substr(path.rfind('/') + 1);
  if (Fd fd = openFile(AT_FDCWD, path, name)) files.push_back({name, std::move(fd)});

  std::string dropIns = name + ".d";
  Fd directory(::open((path + ".d").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory && errno == ENOENT) return files;
  if (!directory) throwErrno("open " + dropIns);
  checkOwner(directory.get(), dropIns);
  for (const std::string& entry : dropInNames(directory.get())) {
    std::string shown = dropIns;
    shown.append("/").append(entry);
    if (Fd fd = openFile(directory.get(), entry, shown)) files.push_back({shown, std::move(fd)});
  }
  return files;
}

}  // namespace bulkhead
