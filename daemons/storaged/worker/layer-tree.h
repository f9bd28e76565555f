// LayerTree: the directory that one layer is unpacked into, changed by descriptors only. Every path is
// resolved anew, inside the tree, by the kernel (RESOLVE_IN_ROOT); a last component is never followed. No
// result of an earlier resolution is kept, so an archive that swaps a directory for a symlink gains nothing.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <ctime>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "daemons/common/base/error.h"
#include "daemons/common/base/fd.h"
#include "daemons/storaged/worker/entry-name.h"

namespace bulkhead::worker {

// What an entry says of a file, as far as a layer may say it.
struct Attributes {
  uid_t uid = 0;
  gid_t gid = 0;
  mode_t mode = 0;  // permission bits with setuid, setgid, sticky
  struct timespec modified {};
  std::vector<std::pair<std::string, std::string>> xattrs;  // only those that keepsXattr() keeps
};

// user.* except overlayfs's own user.overlay.*, and security.capability. The rest would be Bulkhead's or the
// host's to set: trusted.*, other security.*, system.*.
bool keepsXattr(std::string_view name);

class LayerTree {
 public:
  // `root` is borrowed. `inodes`: how many may be made, implied directories counted.
  LayerTree(int root, std::uint64_t inodes) : root_(root), limit_(inodes) {}

  // Each replaces what an earlier entry put there (a directory over a directory keeps its contents), and
  // makes missing parents, 0755 and root's. Refusals name `name` and carry invalidArgument when the archive
  // is at fault, resourceExhausted when the disk or the limit is full.
  Outcome<void> makeDirectory(const EntryName& name, const Attributes& attributes);
  // An empty file to be filled and then handed to finishFile(), which makes it `size` bytes long if it is
  // shorter: a sparse file may end in a hole.
  Outcome<Fd> makeFile(const EntryName& name, const Attributes& attributes);
  Outcome<void> finishFile(int file, const EntryName& name, const Attributes& attributes, off_t size);
  Outcome<void> makeSymlink(const EntryName& name, const std::string& target, const Attributes& attributes);
  Outcome<void> makeHardLink(const EntryName& name, const EntryName& target);
  // `type` is S_IFIFO, S_IFCHR or S_IFBLK.
  Outcome<void> makeNode(const EntryName& name, mode_t type, dev_t device, const Attributes& attributes);
  // overlayfs's mark (kernel, filesystems/overlayfs.rst): a character device 0/0 named `target` beside
  // `name`.
  Outcome<void> makeWhiteout(const EntryName& name, const std::string& target);
  // user.overlay.opaque=y on `name`'s parent.
  Outcome<void> makeOpaque(const EntryName& name);

  // Directories change their times while they fill: sets those that the archive gave, at the end.
  Outcome<void> finishDirectories();

  // Names made so far.
  [[nodiscard]] std::uint64_t inodes() const { return inodes_; }

 private:
  Outcome<void> count();
  Outcome<Fd> parentOf(const EntryName& name);
  Outcome<Fd> makeMissingParents(const EntryName& name);
  using Make = std::function<int(int parent, const char* last)>;
  Outcome<Fd> put(const EntryName& name, const char* what, const Make& make);
  Outcome<void> applyToPath(int parent, const EntryName& name, const Attributes& attributes, bool hasMode);

  int root_;
  std::uint64_t limit_;
  std::uint64_t inodes_ = 0;
  std::vector<std::pair<std::string, struct timespec>>
      directoryTimes_;         // one text a directory: an archive has many
  size_t directoryNames_ = 0;  // bytes of them
};

}  // namespace bulkhead::worker
