// A cell: the mount namespace of one worker, whose only mount is what its job needs. Bulkhead's wall for
// workers that hold file capabilities, against which Landlock is none. It is entered by jail::enterCell().
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "daemons/common/base/error.h"
#include "daemons/common/base/fd.h"
#include "daemons/common/base/ids.h"
#include "daemons/storaged/drivers/driver.h"
#include "daemons/storaged/drivers/project-quota.h"
#include "daemons/storaged/overlay/image-root.h"

namespace bulkhead::cells {

// Detached mounts, nosuid, nodev and noexec (a writer may still store such files), made beneath the
// descriptor of the store's directory. To be made before entering: the kernel clones only mounts of the
// caller's own namespace. Each throws SystemError.

// staging/LAYER/closed/diff, made as the driver has it if it is absent.
Fd layerMount(int store, const LayerName& layer, Driver driver);
// trash/NAME.
Fd trashMount(int store, const LayerName& name);
// What a container has of its own: containers/ID/closed/upper, or root where there is no overlay, read-only;
// an empty mount if there is nothing.
struct WritableLayer {
  Fd mount;
  std::int64_t since =
      0;  // nanoseconds: of a snapshot, only what was changed (ctime) from then on is its own
  std::optional<drivers::ProjectUsage> counted;  // by the file system
};
WritableLayer writableLayer(int store, const ContainerId& container, Driver driver);
// All of the directory and what is mounted beneath it, read-only.
Fd trustMount(int trust);
// An empty, read-only tmpfs.
Fd emptyMount();

// The root file system of these layers, topmost first, without an upper layer. Unlike the others it is made
// by the worker-to-be, which leaves the host's mounts for it. Throws std::runtime_error too: a layer is lost.
Fd imageMount(const overlay::Stores& stores, const std::vector<LayerName>& layers);

}  // namespace bulkhead::cells
