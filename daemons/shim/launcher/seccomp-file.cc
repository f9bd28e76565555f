#include "daemons/shim/launcher/seccomp-file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "daemons/common/base/beneath.h"
#include "daemons/shim/ceiling/host-path.h"
#include "daemons/shim/launcher/bind-source.h"
#include "daemons/shim/oci/seccomp-profile.h"

namespace bulkhead::launcher {
namespace {

constexpr const char* field = "seccompProfile";

// A directory that others write is fine if it is sticky: they can neither remove nor replace root's there.
bool isRoots(int fd, mode_t type) {
  struct stat info {};
  if (::fstat(fd, &info) != 0 || (info.st_mode & S_IFMT) != type || info.st_uid != 0) return false;
  bool shared = (info.st_mode & (S_IWGRP | S_IWOTH)) != 0;
  return !shared || (type == S_IFDIR && (info.st_mode & S_ISVTX) != 0);
}

// Walks a path that has no symlink: nobody but root has had a hand in which file it is. An O_PATH descriptor.
Outcome<Fd> openRoots(const std::string& path) {
  auto refusal =
      refuse(Code::failedPrecondition, field, "is not a file that root alone can write or replace");
  Fd at = openDirectory("/");
  for (size_t from = 1; from < path.size();) {
    size_t to = std::min(path.find('/', from), path.size());
    if (!isRoots(at.get(), S_IFDIR)) return refusal;
    at = tryOpenBeneath(at.get(), path.substr(from, to - from), O_PATH);
    if (!at) return refusal;
    from = to + 1;
  }
  if (!isRoots(at.get(), S_IFREG)) return refusal;
  return at;
}

// Where `path` leads, by symlinks too; empty with errno.
std::string placeOf(const std::string& path) {
  Fd file = tryOpenInRoot(openDirectory("/").get(), path, O_PATH);
  return file ? realPathOf(file.get()) : "";
}

}  // namespace

Outcome<LoadedSeccomp> openSeccomp(const Context& context, const std::string& path,
                                   const std::vector<std::string>& capabilities) {
  auto parsed = ceiling::parseHostPath(path, field);
  if (!parsed) return tl::unexpected(parsed.error());
  std::string real = placeOf(*parsed);
  if (real.empty()) return refuse(Code::failedPrecondition, field, "cannot be opened: " + errnoText(errno));
  auto roots = seccompRoots(context);
  auto holds = [&real](const std::string& root) { return ceiling::isBeneath(real, root); };
  if (std::none_of(roots.begin(), roots.end(), holds))
    return refuse(Code::permissionDenied, field, "is beneath no seccomp root of ceiling.toml");
  auto place = openRoots(real);
  if (!place) return tl::unexpected(place.error());
  Fd file(::open(("/proc/self/fd/" + std::to_string(place->get())).c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) throwErrno("open a seccomp profile");
  auto profile = loadSeccomp(context.library, file.get(), capabilities, field);
  if (!profile) return profile;
  if (auto sound = oci::checkSeccomp(profile->get(), field); !sound) return tl::unexpected(sound.error());
  auto judged = ceiling::judgeSeccomp(profile->get(), context.config.getCeiling(), field);
  if (!judged) return tl::unexpected(judged.error());
  return profile;
}

}  // namespace bulkhead::launcher
