// A worker's one job, from its options to its answer.
#pragma once

#include "daemons/storaged/worker/options.h"
#include "ipc/schema/worker.capnp.h"

namespace bulkhead::worker {

// Does the job of `options.role` on `input` and `output` in the directory that is the process's root, and
// writes the answer. Refusals are answers; exceptions mean that we are broken.
void work(const Options& options, int input, int output, schema::WorkerResult::Builder result);

}  // namespace bulkhead::worker
