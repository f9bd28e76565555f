// The end of the way of an image of Docker's schema 1: with its layers here, workers make its config and read
// it.
#pragma once

#include <kj/async.h>

#include "daemons/storaged/chain.h"
#include "daemons/storaged/parts.h"

namespace bulkhead::storaged {

// `image`, with the true diff ids of all its layers, becomes whole. One worker makes the config, a second one
// reads it: the first may say what it likes, it makes an image of these layers and of what the second finds
// in those bytes, and the image's id is their digest. Refuses as they do.
kj::Promise<Outcome<VerifiedImage>> completeSchema1(Parts& parts, VerifiedImage image);

}  // namespace bulkhead::storaged
