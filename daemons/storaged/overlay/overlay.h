// Overlay mounts, made detached. The kernel has had three ways to be told the layers; the newest that works
// is used.
#pragma once

#include <vector>

#include "daemons/common/base/error.h"
#include "daemons/common/base/fd.h"

namespace bulkhead::overlay {

// Open directories.
struct Layers {
  std::vector<Fd> lower;  // topmost first
  // Empty, both: nothing can be written, and there must be two lower ones.
  Fd upper;
  Fd work;
};

enum class Method {
  descriptors,  // Linux 6.13: FSCONFIG_SET_FD
  paths,        // 6.5: lowerdir+ with /proc/self/fd/N, since a string may have 256 bytes
  options,      // before: mount(2), whose options fit a page, on the stage
};

inline constexpr const char* descriptorPaths = "/proc/self/fd";  // names for what is open

// A detached mount, or nothing with errno. Markers are user.overlay.* (userxattr); metacopy, redirects and
// index off. No nosuid, nodev or noexec. The process must be in a mount namespace that nobody else sees, with
// /proc and with `stage`, a directory.
Fd tryMount(Method method, const Layers& layers, const char* stage);

// The first method that works, checked: it is an overlay, and with an upper its superblock did not come up
// read-only unasked, as it does when upper or work do not serve (kernel, overlayfs: "upper fs … falling back
// to read-only"). With `readOnly` only the mount is. Refuses with internal.
Outcome<Fd> mountOverlay(const Layers& layers, bool readOnly, const char* stage);

}  // namespace bulkhead::overlay
