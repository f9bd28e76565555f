// What the zygote tells a worker on its command line.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "daemons/common/jail/privileges.h"

namespace bulkhead::worker {

enum class Codec { none, gzip, zstd };

struct Options {
  jail::Process role = jail::Process::parseWorker;
  uid_t storageUid = 0;  // for roles that are not root
  gid_t storageGid = 0;
  Codec codec = Codec::none;
  bool keepsFile = false;  // of the unpack role: the input is one file, not an archive
  std::uint64_t maxBytes = 0;
  std::uint64_t maxEntries = 0;
  bool deviceNodes = false;
  std::int64_t since = 0;  // measure
  unsigned layers = 0;     // compose: /layers/0 and so on
  unsigned ontoLayer = 0;  // 1: /target is a snapshot of a layer
};

//   --role unpack|erase|measure|compose|decompress|parse --root DIR
//   --storage-uid N --storage-gid N [--codec none|gzip|zstd] [--content tar|file] [--max-bytes N]
//   [--max-entries N] [--device-nodes allow|refuse] [--since NANOSECONDS] [--layers N] [--onto-layer 0|1]
// DIR only identifies the instance to `bulkheadctl audit`. Throws std::invalid_argument.
Options parseOptions(int argc, char** argv);

}  // namespace bulkhead::worker
