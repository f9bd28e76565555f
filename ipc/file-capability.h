// A descriptor as a capability (common.capnp, File).
#pragma once

#include <kj/async.h>

#include "daemons/common/base/fd.h"
#include "ipc/schema/common.capnp.h"

namespace bulkhead::ipc {

// Owns `fd` and lends it to whoever receives the capability.
schema::File::Client makeFile(Fd fd);

// The descriptor behind a received capability, duplicated into an owner of ours; the capability can then be
// dropped. An invalid Fd if the peer sent none.
kj::Promise<Fd> receiveFile(schema::File::Client file);

}  // namespace bulkhead::ipc
