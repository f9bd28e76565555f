// Removing a tree that somebody else shaped: as deep and as wide as it likes, in bounded memory and with a
// handful of descriptors, never following a symlink.
#pragma once

#include <string>

#include "daemons/common/base/error.h"

namespace bulkhead::worker {

// Removes everything in `directory`, which stays, empty. Refuses (internal) what cannot be removed, after
// removing all else.
Outcome<void> eraseContents(int directory);

// Removes `name` in `parent`, whatever it is. Absent is fine.
Outcome<void> eraseEntry(int parent, const std::string& name);

}  // namespace bulkhead::worker
