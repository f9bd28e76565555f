// What every worker does around its job: from its first instruction to its answer.
#pragma once

#include <functional>

#include "daemons/common/base/error.h"
#include "daemons/storaged/worker/options.h"
#include "ipc/schema/worker.capnp.h"

namespace bulkhead::worker {

enum class Cell {
  entered,  // by the zygote, before it executed us: a static program
  handed,   // as descriptor 4, to be entered: a program whose shared libraries were loaded from the host
};

// Does the job on descriptors 0 and 1 and fills in the answer. Refusals are answers; exceptions mean that we
// are broken.
using Job = std::function<Outcome<void>(const Options&, schema::WorkerResult::Builder)>;

// What a library needs of the host before there are walls. Nothing that was handed to us has been read by
// then.
using Preparation = std::function<void()>;

// Sanitises, prepares, enters the cell, confines, and only then does the job; its answer goes to
// descriptor 3. For jail::runMain(). Throws before anything was read if a wall cannot be raised.
int runWorker(int argc, char** argv, Cell cell, const Job& job, const Preparation& prepare = {});

}  // namespace bulkhead::worker
