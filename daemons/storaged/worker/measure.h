// How much room a tree takes.
#pragma once

#include <cstdint>

#include "daemons/common/base/error.h"

namespace bulkhead::worker {

struct Counted {
  std::uint64_t bytes = 0;    // allocated, st_blocks * 512, as du counts
  std::uint64_t inodes = 0;   // without the directory itself; a file with several names counts once
  std::uint64_t content = 0;  // of an unpacked layer: bytes of file data
};

// Counts what is beneath `directory` to a depth of 256; a container may be changing it meanwhile, so what
// vanishes is not an error. Only what was changed (ctime) at or after `since`, in nanoseconds of the wall
// clock, counts: of a snapshot, about what an overlay would have copied up.
Outcome<Counted> measure(int directory, std::int64_t since = 0);

}  // namespace bulkhead::worker
