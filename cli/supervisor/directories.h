// Makes and repairs the directories of one instance, as root.
#pragma once

#include "cli/instance.h"
#include "daemons/common/base/fd.h"

namespace bulkhead::supervisor {

// The root directory (its parents are created 0755) and run/, which everything else needs first. Throws
// SystemError.
void makeRunDirectory(const cli::Instance& instance);

// Every directory of the layout, with the stated owner and mode also where it existed with others. Throws
// SystemError, also if a name is there that is no directory.
void makeDirectories(const cli::Instance& instance, const cli::Accounts& accounts);

// Locks the instance until the returned descriptor is closed. Throws std::runtime_error if another `up` holds
// it.
Fd lockInstance(const cli::Instance& instance);

// An instance with its own root keeps its logs there, which no shipped profile allows: writes
// run/ceiling.toml, the baseline profile with that one log root more.
void writeDefaultCeiling(const cli::Instance& instance);

}  // namespace bulkhead::supervisor
