// What cri may ask a monitor (ipc/schema/shim.capnp).
#pragma once

#include <kj/async.h>

#include "daemons/shim/monitor/audience.h"
#include "daemons/shim/monitor/log-writer.h"
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
  // All are of the monitor, which outlives every server.
  ShimServer(kj::ForkedPromise<Ending>& ended, LogWriter& log, Audience& audience)
      : ended_(ended), log_(log), audience_(audience) {}

  kj::Promise<void> version(VersionContext context) override;
  kj::Promise<void> wait(WaitContext context) override;
  kj::Promise<void> reopenLog(ReopenLogContext context) override;
  kj::Promise<void> attach(AttachContext context) override;
  kj::Promise<void> resize(ResizeContext context) override;

 private:
  void admit(AttachContext& context, AttachedClient::Sockets sockets);

  kj::ForkedPromise<Ending>& ended_;
  LogWriter& log_;
  Audience& audience_;
};

}  // namespace bulkhead::shim
