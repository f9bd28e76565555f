// Copies of what is inside a layer: a file's content, and what a root keeps of a file's attributes.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <optional>

namespace bulkhead::worker {

// The first `size` bytes of `from` into the empty file `to`, with its holes: shared with it where the file
// system can (ioctl_ficlone(2)), else copied. How many bytes the copy takes of its own; nothing with errno.
std::optional<std::uint64_t> copyContent(int from, int to, std::uint64_t size);

// Owner, mode, and those extended attributes that layers keep (keepsXattr), in place of what `to` has. False
// with errno.
bool copyAttributes(int from, int to, const struct stat& info);

// overlayfs's mark on a directory that hides what lies beneath it.
bool hasOpaqueMark(int directory);
// Absent is ok. False with errno.
bool dropOpaqueMark(int directory);

}  // namespace bulkhead::worker
