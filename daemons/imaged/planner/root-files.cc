#include "daemons/imaged/planner/root-files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "daemons/common/base/error.h"
#include "daemons/common/base/fd.h"
#include "daemons/common/base/io.h"

namespace bulkhead::planner {
namespace {

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw FileError(path + ": " + why);
}

[[noreturn]] void cannotRead(const std::string& path, int error) {
  if (error == EACCES) {
    refuse(path, "is not readable by the image daemon's user (uid " + std::to_string(::geteuid()) + ", gid " +
                     std::to_string(::getegid()) + "), or leads out of its directory by a link");
  }
  refuse(path, errnoText(error));
}

void check(int fd, const std::string& path, Owner owner) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) throwErrno("fstat");
  if (!S_ISREG(info.st_mode)) refuse(path, "is not a regular file");
  if (owner == Owner::anyone) return;
  if (info.st_uid != 0) refuse(path, "is not owned by root");
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) refuse(path, "is writable by group or others");
}

}  // namespace

std::optional<std::string> readFile(const std::string& path, Owner owner) {
  // Non-blocking: a FIFO by that name must not hang us.
  Fd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!fd && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  if (!fd) cannotRead(path, errno);
  check(fd.get(), path, owner);
  std::optional<std::string> text = readBounded(fd.get(), largestFile);
  if (!text) refuse(path, "is larger than 1 MiB");
  return text;
}

std::vector<std::string> namesIn(const std::string& directory, const std::string& suffix) {
  Fd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd && (errno == ENOENT || errno == ENOTDIR)) return {};
  if (!fd) cannotRead(directory, errno);
  std::unique_ptr<DIR, int (*)(DIR*)> listing(::fdopendir(fd.get()), ::closedir);
  if (!listing) throwErrno("fdopendir");
  (void)fd.release();
  std::vector<std::string> names;
  while (const struct dirent* entry = ::readdir(listing.get())) {
    std::string name = entry->d_name;
    if (name[0] != '.' && name.ends_with(suffix)) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool isDirectory(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

}  // namespace bulkhead::planner
