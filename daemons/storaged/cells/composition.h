// What a compose worker works on: the directory that it fills, and the layers that it fills it from.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "daemons/common/base/error.h"
#include "daemons/common/base/ids.h"
#include "daemons/common/jail/view.h"
#include "daemons/storaged/drivers/driver.h"
#include "daemons/storaged/overlay/image-root.h"
#include "ipc/schema/worker.capnp.h"

namespace bulkhead::cells {

struct Composition {
  std::variant<LayerName, ContainerId> into;  // staging/NAME/closed/diff or containers/ID/closed/root
  std::optional<LayerName> onto;              // begins as a snapshot of that own layer, or tree
  std::vector<LayerName> layers;              // base first
};

// Refuses invalidArgument for names that are none and for more layers than an image has.
Outcome<Composition> parseComposition(schema::WorkerRequest::Compose::Reader from);

// closed/diff in a layer's directory, as the driver has it, where main cannot enter: found, or made 0755.
// Throws SystemError.
Fd makeLayerFiles(int staged, Driver driver);

// Makes the directory, and all that the worker sees: /target, and /layers/0, /layers/1, … read-only; nosuid,
// nodev and noexec all. A snapshot waits for a commit of the file system. Throws SystemError, with EEXIST if
// the directory is there already: whoever asks twice throws it away before.
std::vector<jail::Piece> prepare(const overlay::Stores& stores, Driver driver,
                                 const Composition& composition);

// Destroys the subvolumes that a directory in the trash holds, if any; what is left is an erase worker's.
// Throws SystemError.
void destroyVolumes(int store, const LayerName& inTrash);

}  // namespace bulkhead::cells
