// What cri may ask a monitor (ipc/schema/shim.capnp).
#pragma once

#include <kj/async.h>

#include "daemons/shim/record/exit-record.h"
#include "ipc/schema/shim.capnp.h"

namespace bulkhead::shim {

// How the container ended; known once.
struct Ending {
  ExitRecord record;
  std::int64_t startedAt = 0;
};

class ShimServer final : public schema::Shim::Server {
 public:
  // `ended` is of the monitor, which outlives every server.
  explicit ShimServer(kj::ForkedPromise<Ending>& ended) : ended_(ended) {}

  kj::Promise<void> version(VersionContext context) override;
  kj::Promise<void> wait(WaitContext context) override;

 private:
  kj::ForkedPromise<Ending>& ended_;
};

}  // namespace bulkhead::shim
