#include "daemons/storaged/worker/erase.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "daemons/storaged/worker/listing.h"

namespace bulkhead::worker {
namespace {

// Every directory that is not empty is first moved up into the top directory and emptied there: no path, no
// stack and no set of descriptors ever grows with the depth of the tree.
class Eraser {
 public:
  explicit Eraser(int top) : top_(top) {}

  Outcome<void> run() {
    while (true) {
      progress_ = false;
      remaining_ = false;
      Directory directory = openListing(top_, ".");
      if (!directory) return failed("list directory");
      while (const dirent* entry = ::readdir(directory.get())) {
        if (!isDots(entry->d_name)) removeFromTop(entry->d_name);
      }
      if (!remaining_ && !progress_) return {};
      if (!progress_) return failed("remove");
    }
  }

 private:
  Outcome<void> failed(const char* what) const {
    return refuse(Code::internal, "directory",
                  std::string("cannot ") + what + ": " + errnoText(error_ != 0 ? error_ : errno));
  }

  bool remove(int parent, const char* name) const {
    if (::unlinkat(parent, name, 0) == 0) return true;
    return errno == EISDIR && ::unlinkat(parent, name, AT_REMOVEDIR) == 0;
  }

  void removeFromTop(const char* name) {
    if (remove(top_, name)) {
      progress_ = true;
      return;
    }
    remaining_ = true;
    error_ = errno;
    Directory directory = openListing(top_, name);
    if (!directory) return;
    while (const dirent* entry = ::readdir(directory.get())) {
      if (isDots(entry->d_name)) continue;
      if (remove(::dirfd(directory.get()), entry->d_name) || hoist(::dirfd(directory.get()), entry->d_name)) {
        progress_ = true;
      } else {
        error_ = errno;
      }
    }
  }

  bool hoist(int parent, const char* name) {
    if (errno != ENOTEMPTY && errno != EEXIST) return false;
    while (true) {
      std::string upper = ".bulkhead-erase." + std::to_string(next_++);
      if (::renameat2(parent, name, top_, upper.c_str(), RENAME_NOREPLACE) == 0) return true;
      if (errno != EEXIST) return false;
    }
  }

  int top_;
  unsigned long long next_ = 0;
  bool progress_ = false;
  bool remaining_ = false;
  int error_ = 0;
};

}  // namespace

Outcome<void> eraseContents(int directory) {
  return Eraser(directory).run();
}

Outcome<void> eraseEntry(int parent, const std::string& name) {
  if (::unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR) return refuse(Code::internal, "directory", "cannot remove: " + errnoText(errno));
  Fd directory(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!directory) return refuse(Code::internal, "directory", "cannot open: " + errnoText(errno));
  if (auto emptied = eraseContents(directory.get()); !emptied) return emptied;
  if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0) return {};
  return refuse(Code::internal, "directory", "cannot remove: " + errnoText(errno));
}

}  // namespace bulkhead::worker
