#include "daemons/common/base/beneath.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "daemons/common/base/error.h"

namespace bulkhead {
namespace {

Fd openat2(int dir, const std::string& path, int flags, unsigned mode, unsigned long long resolve) {
  // A component with an embedded NUL would name something else than what was checked.
  if (path.find('\0') != std::string::npos) {
    errno = EINVAL;
    return {};
  }
  struct open_how how {};
  how.flags = static_cast<unsigned long long>(flags) | O_CLOEXEC;
  how.mode = mode;
  how.resolve = resolve;
  while (true) {
    long fd = ::syscall(SYS_openat2, dir, path.c_str(), &how, sizeof how);
    // EAGAIN: a rename raced with a ".." check (openat2(2)); the kernel asks to try again.
    if (fd >= 0 || (errno != EINTR && errno != EAGAIN)) return Fd(static_cast<int>(fd));
  }
}

}  // namespace

Fd tryOpenBeneath(int dir, const std::string& path, int flags, unsigned mode, bool sameMount) {
  unsigned long long resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  if (sameMount) resolve |= RESOLVE_NO_XDEV;
  // No O_NOFOLLOW: with O_PATH it would hand out the symlink itself instead of refusing it.
  return openat2(dir, path, flags, mode, resolve);
}

Fd openBeneath(int dir, const std::string& path, int flags, unsigned mode) {
  Fd fd = tryOpenBeneath(dir, path, flags, mode);
  if (!fd) throwErrno("open " + path.substr(path.rfind('/') + 1));
  return fd;
}

Fd tryOpenInRoot(int root, const std::string& path, int flags, unsigned mode) {
  return openat2(root, path, flags, mode, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

Fd openDirectory(const std::string& absolutePath) {
  Fd fd(::open(absolutePath.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) throwErrno("open directory " + absolutePath);
  return fd;
}

Fd makeDirectory(int dir, const std::string& name, unsigned mode) {
  if (::mkdirat(dir, name.c_str(), mode) != 0 && errno != EEXIST) throwErrno("mkdir " + name);
  return openBeneath(dir, name, O_RDONLY | O_DIRECTORY);
}

Fd makeClosedDirectory(int dir, const std::string& name) {
  constexpr mode_t closed = 0700;
  Fd directory = makeDirectory(dir, name, closed);
  struct stat info {};
  if (::fstat(directory.get(), &info) != 0) throwErrno("fstat " + name);
  if (info.st_uid != 0 || (info.st_mode & 07777) != closed)
    throw SystemError("not root's own: " + name, EPERM);
  return directory;
}

}  // namespace bulkhead
