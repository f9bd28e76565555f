#include "daemons/common/base/io.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "daemons/common/base/error.h"
#include "daemons/common/base/fd.h"

namespace bulkhead {

std::optional<std::string> readBounded(int fd, size_t limit) {
  std::string all;
  std::array<char, 16384> chunk{};
  while (true) {
    ssize_t n = ::read(fd, chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throwErrno("read");
    if (n == 0) return all;
    if (all.size() + static_cast<size_t>(n) > limit) return std::nullopt;
    all.append(chunk.data(), static_cast<size_t>(n));
  }
}

bool writeAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

std::string readSmallFile(const std::string& path) {
  constexpr size_t limit = 65536;
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return {};
  try {
    return readBounded(fd.get(), limit).value_or("");
  } catch (const SystemError&) {
    return {};  // a process that went away between open and read
  }
}

void replaceDurably(int dir, const std::string& name, std::string_view bytes, unsigned mode) {
  std::string temporary = "." + name + ".new";
  Fd fd(::openat(dir, temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!fd) throwErrno("create " + name);
  if (!writeAll(fd.get(), bytes) || ::fsync(fd.get()) != 0) throwErrno("write " + name);
  if (::renameat(dir, temporary.c_str(), dir, name.c_str()) != 0) throwErrno("rename " + name);
  if (::fsync(dir) != 0) throwErrno("fsync directory of " + name);
}

}  // namespace bulkhead
