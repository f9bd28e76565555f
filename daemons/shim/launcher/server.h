// The launcher's main process: accepts, forks a handler for each connection, reaps. It reads nothing from
// anyone.
#pragma once

#include "daemons/common/base/fd.h"
#include "daemons/shim/launcher/context.h"
#include "ipc/peer.h"

namespace bulkhead::launcher {

// Serves until SIGTERM or SIGINT. Monitors whose handler has ended become children of this process and are
// reaped here. Throws SystemError.
void serve(const Context& context, const Fd& listener, const ipc::PermittedPeer& permitted);

// In the handler's process: one request, one reply (handler.cc). Never throws; the result is the exit status.
// One that is an exec, and so lasts as long as its command, writes its pid to `execs`.
int handle(const Context& context, Fd connection, const Fd& execs);

}  // namespace bulkhead::launcher
