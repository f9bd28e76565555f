// Whole reads and writes on descriptors, always with a bound.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace bulkhead {

// Everything up to end of file, or nothing if that is more than `limit` bytes. Throws SystemError on read
// errors.
std::optional<std::string> readBounded(int fd, size_t limit);

// All of `bytes`, across short writes and EINTR. False on error, with errno.
[[nodiscard]] bool writeAll(int fd, std::string_view bytes);

// Reads a small file of the kernel's or our own (/proc, /sys, a pid file). Empty if absent or larger than 64
// KiB.
std::string readSmallFile(const std::string& path);

// Replaces `name` in `dir` so that after a crash it holds the old or the new bytes, never a mixture:
// temporary, fsync, rename, and fsync of the directory. Throws SystemError.
void replaceDurably(int dir, const std::string& name, std::string_view bytes, unsigned mode);

}  // namespace bulkhead
