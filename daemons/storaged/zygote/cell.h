// A cell: the mount namespace of one worker, whose only mount is what its job needs. Bulkhead's wall for
// workers that hold file capabilities, against which Landlock is none. It is entered by jail::enterCell().
#pragma once

#include <vector>

#include "daemons/common/base/error.h"
#include "daemons/common/base/fd.h"
#include "daemons/common/base/ids.h"

namespace bulkhead::zygote {

// Detached mounts, nosuid, nodev and noexec (a writer may still store such files), made beneath the
// descriptor of the store's directory. To be made before entering: the kernel clones only mounts of the
// caller's own namespace. Each throws SystemError.

// staging/LAYER/closed/diff, made if it is absent, 0755 in a directory that main cannot enter.
Fd layerMount(int store, const LayerName& layer);
// trash/NAME.
Fd trashMount(int store, const LayerName& name);
// containers/ID/closed/upper, read-only; an empty mount if that container never had files of its own.
Fd writableLayerMount(int store, const ContainerId& container);
// An empty, read-only tmpfs.
Fd emptyMount();

// The root file system of these layers, topmost first, without an upper layer. Unlike the others it is made
// by the worker-to-be, which leaves the host's mounts for it. Throws std::runtime_error too: a layer is lost.
Fd imageMount(int store, const std::vector<LayerName>& layers);

}  // namespace bulkhead::zygote
