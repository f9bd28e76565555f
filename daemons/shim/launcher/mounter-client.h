// The launcher's one question to another daemon: what the mounter makes from the store.
#pragma once

#include <functional>

#include "daemons/shim/launcher/bind-source.h"
#include "daemons/shim/launcher/context.h"
#include "ipc/schema/mount.capnp.h"

namespace bulkhead::launcher {

// The root file system of a container, as a detached mount.
Outcome<Fd> requestRoot(const Context& context, const ContainerId& id);

// An image volume or an anonymous volume, as ContainerSpec names it; `mount` has passed checkContainer.
// Refusals name `field`.
Outcome<BindSource> requestVolume(const Context& context, const ContainerId& id, schema::Mount::Reader mount,
                                  const std::string& field);

}  // namespace bulkhead::launcher
