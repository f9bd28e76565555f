#include "daemons/storaged/drivers/subvolume.h"

#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/error.h"

namespace bulkhead::drivers {
namespace {

using VolumeArguments = struct btrfs_ioctl_vol_args_v2;

VolumeArguments argumentsFor(const std::string& name) {
  VolumeArguments arguments{};
  if (name.size() > BTRFS_SUBVOL_NAME_MAX) throw SystemError("subvolume name", ENAMETOOLONG);
  name.copy(static_cast<char*>(arguments.name), BTRFS_SUBVOL_NAME_MAX);
  return arguments;
}

std::uint64_t idOf(int subvolume) {
  struct btrfs_ioctl_ino_lookup_args arguments {};
  arguments.objectid = BTRFS_FIRST_FREE_OBJECTID;
  if (::ioctl(subvolume, BTRFS_IOC_INO_LOOKUP, &arguments) != 0) throwErrno("id of a subvolume");
  return arguments.treeid;
}

// The subvolumes directly inside `id`: the file system's own list, which needs no path. Appends.
void appendInner(int anywhere, std::uint64_t id, std::vector<std::uint64_t>& found) {
  constexpr auto end = std::numeric_limits<std::uint64_t>::max();
  struct btrfs_ioctl_search_args arguments {};
  auto& key = arguments.key;
  key.tree_id = BTRFS_ROOT_TREE_OBJECTID;
  key.min_objectid = key.max_objectid = id;
  key.min_type = key.max_type = BTRFS_ROOT_REF_KEY;
  key.max_offset = end;
  key.max_transid = end;
  while (true) {
    key.nr_items = std::numeric_limits<std::uint32_t>::max();
    if (::ioctl(anywhere, BTRFS_IOC_TREE_SEARCH, &arguments) != 0) throwErrno("list subvolumes");
    if (key.nr_items == 0) return;
    size_t at = 0;
    for (std::uint32_t i = 0; i < key.nr_items; ++i) {
      struct btrfs_ioctl_search_header header {};
      if (at + sizeof header > sizeof arguments.buf) throw SystemError("list subvolumes", EPROTO);
      std::memcpy(&header, arguments.buf + at, sizeof header);
      at += sizeof header + header.len;
      found.push_back(header.offset);
      key.min_offset = header.offset + 1;
    }
  }
}

bool isOnBtrfs(int directory) {
  struct statfs where {};
  return ::fstatfs(directory, &where) == 0 && where.f_type == BTRFS_SUPER_MAGIC;
}

}  // namespace

bool isSubvolume(int directory) {
  struct stat info {};
  return isOnBtrfs(directory) && ::fstat(directory, &info) == 0 && info.st_ino == BTRFS_FIRST_FREE_OBJECTID;
}

Fd makeErasable(int parent, const std::string& name) {
  Fd there = tryOpenBeneath(parent, name, O_RDONLY | O_DIRECTORY);
  if (there) return there;
  return isOnBtrfs(parent) ? makeSubvolume(parent, name) : makeDirectory(parent, name, 0700);
}

Fd makeSubvolume(int parent, const std::string& name) {
  VolumeArguments arguments = argumentsFor(name);
  if (::ioctl(parent, BTRFS_IOC_SUBVOL_CREATE_V2, &arguments) != 0) throwErrno("make a subvolume");
  return openBeneath(parent, name, O_RDONLY | O_DIRECTORY);
}

Fd makeSnapshot(int parent, const std::string& name, int of) {
  VolumeArguments arguments = argumentsFor(name);
  arguments.fd = of;
  if (::ioctl(parent, BTRFS_IOC_SNAP_CREATE_V2, &arguments) != 0) throwErrno("make a snapshot");
  return openBeneath(parent, name, O_RDONLY | O_DIRECTORY);
}

bool destroySubvolume(int parent, const std::string& name) {
  Fd top = tryOpenBeneath(parent, name, O_RDONLY | O_DIRECTORY);
  if (!top || !isSubvolume(top.get())) return false;
  // Whoever runs in a container on btrfs may make subvolumes, and one that holds another cannot be destroyed.
  std::vector<std::uint64_t> ids{idOf(top.get())};
  for (size_t i = 0; i < ids.size(); ++i) appendInner(top.get(), ids[i], ids);
  while (ids.size() > 1) {
    VolumeArguments inner{};
    inner.flags = BTRFS_SUBVOL_SPEC_BY_ID;
    inner.subvolid = ids.back();
    if (::ioctl(top.get(), BTRFS_IOC_SNAP_DESTROY_V2, &inner) != 0) throwErrno("destroy an inner subvolume");
    ids.pop_back();
  }
  VolumeArguments arguments = argumentsFor(name);
  if (::ioctl(parent, BTRFS_IOC_SNAP_DESTROY_V2, &arguments) != 0) throwErrno("destroy a subvolume");
  return true;
}

}  // namespace bulkhead::drivers
