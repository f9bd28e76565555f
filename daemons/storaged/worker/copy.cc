#include "daemons/storaged/worker/copy.h"

#include <linux/fs.h>
#include <linux/limits.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/common/base/io.h"
#include "daemons/storaged/worker/layer-tree.h"

namespace bulkhead::worker {
namespace {

constexpr const char* opaqueMark = "user.overlay.opaque";
constexpr size_t bufferBytes = 256 * 1024;
constexpr std::uint64_t blockSize = 512;  // unit of st_blocks, stat(3type)

bool isUnsupported(int error) {
  return error == ENOTSUP || error == EOPNOTSUPP || error == EXDEV || error == EINVAL || error == ENOSYS;
}

// [begin, end) at the same place in `to`.
bool copyRange(int from, int to, off_t begin, off_t end) {
  while (begin < end) {
    off_t target = begin;
    ssize_t copied = ::copy_file_range(from, &begin, to, &target, static_cast<size_t>(end - begin), 0);
    if (copied > 0) continue;
    if (copied == 0) return true;  // it is shorter than it said
    if (!isUnsupported(errno)) return false;
    break;
  }
  std::vector<char> buffer(begin < end ? bufferBytes : 0);
  while (begin < end) {
    size_t wanted = std::min(bufferBytes, static_cast<size_t>(end - begin));
    ssize_t got = ::pread(from, buffer.data(), wanted, begin);
    if (got <= 0) return got == 0;
    if (::lseek(to, begin, SEEK_SET) < 0 || !writeAll(to, {buffer.data(), static_cast<size_t>(got)}))
      return false;
    begin += got;
  }
  return true;
}

// A list of names, each ended by NUL.
std::optional<std::vector<std::string>> attributesOf(int file) {
  ssize_t size = ::flistxattr(file, nullptr, 0);
  if (size == 0) return std::vector<std::string>();
  std::vector<char> names(XATTR_LIST_MAX);
  if (size > 0) size = ::flistxattr(file, names.data(), names.size());
  if (size < 0) return isUnsupported(errno) ? std::optional(std::vector<std::string>()) : std::nullopt;
  std::vector<std::string> kept;
  std::string_view all(names.data(), static_cast<size_t>(size));
  for (size_t at = 0; at < all.size(); at = all.find('\0', at) + 1) {
    std::string name(all.data() + at);
    if (keepsXattr(name)) kept.push_back(std::move(name));
  }
  return kept;
}

bool copyXattrs(int from, int to) {
  auto wanted = attributesOf(from);
  auto present = attributesOf(to);
  if (!wanted || !present) return false;
  for (const std::string& name : *present) {
    bool stays = std::find(wanted->begin(), wanted->end(), name) != wanted->end();
    if (!stays && ::fremovexattr(to, name.c_str()) != 0) return false;
  }
  for (const std::string& name : *wanted) {
    std::vector<char> value(XATTR_SIZE_MAX);
    ssize_t size = ::fgetxattr(from, name.c_str(), value.data(), value.size());
    if (size < 0 || ::fsetxattr(to, name.c_str(), value.data(), static_cast<size_t>(size), 0) != 0)
      return false;
  }
  return true;
}

}  // namespace

std::optional<std::uint64_t> copyContent(int from, int to, std::uint64_t size) {
  if (size == 0) return 0;
  if (::ioctl(to, FICLONE, from) == 0) return 0;
  if (!isUnsupported(errno)) return std::nullopt;
  auto end = static_cast<off_t>(size);
  if (::ftruncate(to, end) != 0) return std::nullopt;
  for (off_t at = 0; at < end;) {
    off_t data = ::lseek(from, at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;  // a hole up to its end
    if (data < 0) return std::nullopt;
    off_t hole = std::min(::lseek(from, data, SEEK_HOLE), end);
    if (hole < 0 || !copyRange(from, to, data, hole)) return std::nullopt;
    at = hole;
  }
  struct stat info {};
  if (::fstat(to, &info) != 0) return std::nullopt;
  return static_cast<std::uint64_t>(info.st_blocks) * blockSize;
}

bool copyAttributes(int from, int to, const struct stat& info) {
  // Owner first: chown clears setuid bits and capabilities.
  return ::fchown(to, info.st_uid, info.st_gid) == 0 && ::fchmod(to, info.st_mode & 07777) == 0 &&
         copyXattrs(from, to);
}

bool hasOpaqueMark(int directory) {
  char value = 0;
  return ::fgetxattr(directory, opaqueMark, &value, 1) == 1 && value == 'y';
}

bool dropOpaqueMark(int directory) {
  return ::fremovexattr(directory, opaqueMark) == 0 || errno == ENODATA || isUnsupported(errno);
}

}  // namespace bulkhead::worker
