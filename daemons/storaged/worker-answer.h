// What a worker answered: read with a bound, and never believed further than its type says. The worker has
// read hostile bytes; its texts are made printable, its codes limited to what a worker may judge.
#pragma once

#include <kj/async.h>
#include <kj/timer.h>

#include <optional>
#include <vector>

#include "daemons/common/base/error.h"
#include "daemons/storaged/off-loop.h"
#include "daemons/storaged/zygote-client.h"
#include "ipc/packet.h"
#include "ipc/schema/worker.capnp.h"

namespace bulkhead::storaged {

using Answer = schema::WorkerResult::Which;

// Blocks until the worker answers or is gone, with `patience` not longer than that. A packet whose root is a
// WorkerResult of kind `expected`; the worker's own refusal; or internal, if it ended without an answer or
// spoke nonsense. What it wrote to its log is logged here, escaped and cut.
Outcome<ipc::Packet> readAnswer(const WorkerPipes& worker, Answer expected,
                                const std::optional<ipc::Patience>& patience = std::nullopt);

// `promise`, with its workers: killed at the deadline, when their pipes close and whoever reads them goes on,
// and when the promise is dropped.
template <typename T>
kj::Promise<T> killedAfter(kj::Timer& timer, kj::Duration limit, std::vector<WorkerLease> workers,
                           kj::Promise<T> promise) {
  auto owned = kj::heap<std::vector<WorkerLease>>(std::move(workers));
  auto deadline = timer.afterDelay(limit).then([&killed = *owned]() { killed.clear(); });
  return promise.attach(deadline.eagerlyEvaluate(nullptr), kj::mv(owned));
}

// readAnswer() for the event loop, for a worker that only answers.
kj::Promise<Outcome<ipc::Packet>> awaitAnswer(OffLoop& offLoop, kj::Timer& timer, Worker worker,
                                              Answer expected, kj::Duration limit);

}  // namespace bulkhead::storaged
