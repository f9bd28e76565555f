// The unpacker: a tar stream becomes the files of one layer. libarchive reads the archive, LayerTree makes
// the files; this is what lies between: which entries are allowed to mean what, and how much.
#pragma once

#include <cstdint>

#include "daemons/common/base/error.h"

namespace bulkhead::worker {

struct UnpackLimits {
  std::uint64_t bytes;    // of file data, and the logical size of any one file
  std::uint64_t entries;  // tar entries, and inodes made for them
  bool deviceNodes;       // whether block and character devices may be in a layer; a whiteout always may
};

struct Unpacked {
  std::uint64_t content = 0;  // bytes of file data written
  std::uint64_t inodes = 0;   // made; some may have been replaced
};

// Reads a tar archive (ustar, pax, GNU) from `input` up to end of file, padding included, and unpacks it into
// the directory `root`. Descriptors are borrowed. Refusals: invalidArgument (truncated, malformed or hostile
// archive, by entry), failedPrecondition (a device node where none may be), resourceExhausted (limits, also
// those of one entry, ipc/limits.h; disk full). After a refusal the tree is to be thrown away.
Outcome<Unpacked> unpack(int input, int root, const UnpackLimits& limits);

}  // namespace bulkhead::worker
