// A worker's one job, from its options to its answer.
#pragma once

#include "daemons/common/base/error.h"
#include "daemons/storaged/worker/options.h"
#include "ipc/schema/worker.capnp.h"

namespace bulkhead::worker {

// Does the job of `options.role` on descriptor 0 in the directory that is the process's root (start.h).
Outcome<void> work(const Options& options, schema::WorkerResult::Builder result);

}  // namespace bulkhead::worker
