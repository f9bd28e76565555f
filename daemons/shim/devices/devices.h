// Devices of the host that a container gets. What was opened is judged, and its number is what counts from
// then on: no path is used again.
#pragma once

#include <vector>

#include "daemons/common/base/error.h"
#include "daemons/shim/oci/oci-config.h"
#include "ipc/schema/config.capnp.h"

namespace bulkhead::devices {

// `asked` has passed the ceiling's checkDevices; each device is judged by `rules`. A directory stands for the
// devices in it and beneath it, up to limits::devices in all, as the peers have it: those that the rules
// do not admit are left out, and one that leaves none is refused. Refusals name "devices[…]".
Outcome<std::vector<oci::Device>> open(capnp::List<schema::Device>::Reader asked,
                                       capnp::List<schema::DeviceRule>::Reader rules);

}  // namespace bulkhead::devices
