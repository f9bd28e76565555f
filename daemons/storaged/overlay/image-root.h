// An image's root file system as nobody has changed it.
#pragma once

#include <utility>
#include <vector>

#include "daemons/common/base/error.h"
#include "daemons/common/base/fd.h"
#include "daemons/common/base/ids.h"

namespace bulkhead::overlay {

// Where layers are looked for, in this order: open directories, borrowed. No two stores have a layer of one
// name, since names are random.
struct Stores {
  // NOLINTNEXTLINE(google-explicit-constructor): mostly there is one
  Stores(int ownStore, std::vector<int> others = {}) : own(ownStore), additional(std::move(others)) {}
  int own;
  std::vector<int> additional;  // never written
};
Stores borrow(const Fd& own, const std::vector<Fd>& additional);

// layers/NAME/closed/diff of the first that has it, open as a directory; an invalid Fd and errno on failure.
Fd tryOpenLayer(const Stores& stores, const LayerName& name);

// The files of each layer, in the order given. Refuses notFound, naming the layer.
Outcome<std::vector<Fd>> openLowers(const Stores& stores, const std::vector<LayerName>& names);

// A detached mount of these layers (at least one; topmost first): read-only, nosuid, nodev, and noexec only
// if `noExec`, whatever the store's own mount is. `stores` and `stage` must be in the calling process's own
// mount namespace, since the kernel takes layers from nowhere else; `stage` is a directory that may be
// covered for a moment. Refuses as openLowers and mountOverlay do; throws SystemError.
Outcome<Fd> mountImageRoot(const Stores& stores, const std::vector<LayerName>& names, const char* stage,
                           bool noExec);

}  // namespace bulkhead::overlay
