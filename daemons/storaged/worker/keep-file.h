// What an artifact's layer is: one file, whose bytes are kept as they came.
#pragma once

#include <cstdint>
#include <string>

#include "daemons/common/base/error.h"

namespace bulkhead::worker {

// Reads `input` to its end into the file `path` beneath the directory `root`, 0644 and root's, and makes the
// directories that lie between; answers how many bytes there were. Descriptors are borrowed. Refusals:
// invalidArgument (a path that EntryName refuses), resourceExhausted (over `maxBytes`, disk full).
Outcome<std::uint64_t> keepFile(int input, int root, const std::string& path, std::uint64_t maxBytes);

}  // namespace bulkhead::worker
