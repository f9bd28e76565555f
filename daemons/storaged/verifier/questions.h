// The verifier's one job: a question about the policy, and its answer.
#pragma once

#include "daemons/storaged/verifier/trust-files.h"
#include "ipc/schema/worker.capnp.h"

namespace bulkhead::verifier {

// `root`: the directory that the question calls `trusted`. Fills `wanted` or `verdict`. Refusals are
// failedPrecondition, and say which policy and which of its rules; invalidArgument for a question that is
// none.
Outcome<void> answer(schema::VerifyInput::Reader question, Fd root, schema::WorkerResult::Builder result);

}  // namespace bulkhead::verifier
