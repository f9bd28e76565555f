// Carries bytes between two connected stream sockets, each end of one to the other.
#pragma once

#include "daemons/common/base/fd.h"

namespace bulkhead::netns {

// Returns when both sides have said all, when `client` is gone and `port` has what it said (or has not taken
// any of it for ten seconds), or when one of them breaks. Holds 64 KiB for each direction: who does not read
// is not read from.
void pump(const Fd& client, const Fd& port);

}  // namespace bulkhead::netns
