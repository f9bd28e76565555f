// One layer on its way in, in a thread of its own:
//
//   fetcher's pipe -> hash -> decompress worker -> hash -> unpack worker -> staging/NAME/closed/diff
//
// Two pumps in one poll loop. Both hashes are computed here, between processes that trust nobody and are
// trusted by nobody. A layer that is not compressed goes straight to the unpack worker: its two digests are
// of the same bytes.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "daemons/storaged/chain.h"
#include "daemons/storaged/index.h"
#include "daemons/storaged/pull-limits.h"
#include "daemons/storaged/zygote-client.h"

namespace bulkhead::storaged {

struct LayerTransfer {
  VerifiedLayer layer;
  std::string field;                      // "layers[3]", for refusals
  Fd source;                              // compressed bytes, from the fetcher
  Fd cancelled;                           // readable or hung up: give up at once
  std::optional<WorkerPipes> decompress;  // absent for Codec::NONE
  WorkerPipes unpack;                     // or of a worker that keeps a file, where layer.file is not empty
  PullLimits limits{};
  std::shared_ptr<ImageBudget> budget;                   // of its image; charged
  std::shared_ptr<std::atomic<std::uint64_t>> received;  // compressed bytes so far, for listPulls
};

struct Received {
  Size size;      // what the unpack worker counted
  Digest diffId;  // the layer's own, which its documents may not know
};

// Blocks until the layer is unpacked and both digests hold. Refuses:
// unavailable (the pipe ended early, cancelled, nothing moves), failedPrecondition (digest, diff id, or size
// differ), resourceExhausted (limits, disk full), invalidArgument (no such archive).
Outcome<Received> receiveLayer(LayerTransfer transfer);

}  // namespace bulkhead::storaged
