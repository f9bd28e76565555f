// Reading a directory by descriptor, and closing it.
#pragma once

#include <dirent.h>
#include <fcntl.h>

#include <memory>
#include <string_view>

#include "daemons/common/base/fd.h"

namespace bulkhead::worker {

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

// Opens `name` in `parent` for readdir(3), never through a symlink. Null with errno on failure.
inline Directory openListing(int parent, const char* name) {
  Fd fd(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return nullptr;
  Directory directory(::fdopendir(fd.get()));
  if (directory) (void)fd.release();  // the stream owns it now
  return directory;
}

// "." and "..".
inline bool isDots(std::string_view name) {
  return name == "." || name == "..";
}

}  // namespace bulkhead::worker
