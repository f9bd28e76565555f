// A TCP connection to a loopback port of another network namespace.
#pragma once

#include <cstdint>

#include "daemons/common/base/fd.h"

namespace bulkhead::netns {

// Connects to 127.0.0.1, and if that fails to ::1, as the peers do. Only the socket is of `space`: the
// process goes back to `own` before it connects. Waits at most ten seconds for each. Invalid, with errno, if
// that does not work.
Fd dialLoopback(const Fd& space, const Fd& own, std::uint16_t port);

}  // namespace bulkhead::netns
