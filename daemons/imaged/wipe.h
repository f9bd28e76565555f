// Overwrites what was a secret, in messages that nobody else reads any more.
#pragma once

#include <capnp/blob.h>
#include <capnp/message.h>

#include "ipc/schema/image.capnp.h"

namespace bulkhead::imaged {

// The reader's bytes must lie in memory of ours: a received message's, not a constant's.
void wipe(capnp::Text::Reader text);
void wipe(capnp::Data::Reader data);
void wipe(schema::Auth::Reader auth);
void wipe(capnp::MessageBuilder& message);

}  // namespace bulkhead::imaged
