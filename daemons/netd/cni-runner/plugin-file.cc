#include "daemons/netd/cni-runner/plugin-file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/fd.h"
#include "daemons/common/base/ids.h"

namespace bulkhead::cni {
namespace {

bool onlyRootWrites(const struct stat& info) {
  return info.st_uid == 0 && (info.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

Outcome<void> judge(int directory, int file, const std::string& path) {
  struct stat parent {};
  struct stat info {};
  if (::fstat(directory, &parent) != 0 || ::fstat(file, &info) != 0) throwErrno("fstat a plugin");
  if (!onlyRootWrites(parent)) {
    return refuse(Code::permissionDenied, "plugin", path + ": others than root may write its directory");
  }
  if (!onlyRootWrites(info))
    return refuse(Code::permissionDenied, "plugin", path + ": others than root may write it");
  if (!S_ISREG(info.st_mode) || (info.st_mode & S_IXUSR) == 0) {
    return refuse(Code::permissionDenied, "plugin", path + " is not an executable file");
  }
  return {};
}

}  // namespace

Outcome<std::string> findPlugin(const std::vector<std::string>& directories, const std::string& name) {
  if (!isPlainName(name)) return invalid("plugin", "is not a plain name");
  for (const std::string& path : directories) {
    Fd directory(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!directory) continue;  // configured places need not exist
    Fd file = tryOpenBeneath(directory.get(), name, O_PATH);
    if (!file && errno == ENOENT) continue;
    std::string whole = path + "/" + name;
    if (!file)
      return refuse(Code::permissionDenied, "plugin", whole + " cannot be opened: " + errnoText(errno));
    auto good = judge(directory.get(), file.get(), whole);
    if (!good) return tl::unexpected(good.error());
    return whole;
  }
  return refuse(Code::notFound, "plugin", name + " is in none of the plugin directories");
}

}  // namespace bulkhead::cni
