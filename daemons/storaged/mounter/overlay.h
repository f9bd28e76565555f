// Overlay mounts, made detached. The kernel has had three ways to be told the layers; the newest that works
// is used.
#pragma once

#include <vector>

#include "daemons/common/base/error.h"
#include "daemons/common/base/fd.h"

namespace bulkhead::mounter {

// Open directories.
struct OverlayLayers {
  std::vector<Fd> lower;  // topmost first
  Fd upper;
  Fd work;
};

enum class Method {
  descriptors,  // Linux 6.13: FSCONFIG_SET_FD
  paths,        // 6.5: lowerdir+ with /proc/self/fd/N, since a string may have 256 bytes
  options,      // before: mount(2), whose options fit a page, on the stage of the view
};

// A detached mount, or nothing with errno. Markers are user.overlay.* (userxattr); metacopy, redirects and
// index off. No nosuid, nodev or noexec: as with the peers, images have setuid programs, and device nodes are
// the device cgroup's matter. Process must be in its view.
Fd tryMount(Method method, const OverlayLayers& layers);

// The first method that works, checked: it is an overlay, and its superblock did not come up read-only
// unasked, as it does when upper or work do not serve (kernel, overlayfs: "upper fs … falling back to
// read-only"). With `readOnly` only the mount is. Refuses with internal.
Outcome<Fd> mountOverlay(const OverlayLayers& layers, bool readOnly);

}  // namespace bulkhead::mounter
