// Logs: opened beneath the log roots of the ceiling, never through a symlink (the root itself may be one).
#pragma once

#include <string>

#include "daemons/common/base/error.h"
#include "daemons/common/base/fd.h"
#include "daemons/shim/launcher/context.h"

namespace bulkhead::launcher {

// The pod's directory, made if it is missing. `path` is empty (no logs) or has passed checkPod.
Outcome<void> makeLogDirectory(const Context& context, const std::string& path);

// A log to append to, made with its parent directories. `relative` has passed checkContainer.
Outcome<Fd> openLog(const Context& context, const std::string& directory, const std::string& relative);

// The log of a container that runs, once more: made anew where somebody moved it away.
Outcome<Fd> openLogAgain(const Context& context, capnp::Text::Reader containerId);

}  // namespace bulkhead::launcher
