// The life of one monitor: copy, reap, record, tell, end.
#pragma once

#include <kj/async-io.h>

#include "daemons/common/base/fd.h"
#include "daemons/shim/monitor/log-writer.h"
#include "daemons/shim/monitor/output-pump.h"
#include "daemons/shim/monitor/reaper.h"
#include "daemons/shim/monitor/shim-server.h"

namespace bulkhead::shim {

// The descriptors a monitor is born with after its listener, 4 and up in this order. What the container does
// not have is /dev/null.
struct Inheritance {
  Fd log;
  Fd exitRecord;
  Fd out;  // read ends; `out` and `input` are one terminal's master if the container has that
  Fd err;
  Fd oom;      // counts OOM kills in a line "oom_kill N"
  Fd started;  // when the launcher started the container
  Fd input;    // write end; held open so that the container does not read an end of file
};
inline constexpr int inheritedDescriptors = 8;  // with the listener

class Monitor {
 public:
  Monitor(kj::AsyncIoContext& io, Inheritance inherited, pid_t pid);

  // Resolves when the process has nothing left to do.
  kj::Promise<void> run();

  kj::ForkedPromise<Ending>& ended() { return ended_; }
  LogWriter& log() { return log_; }
  Audience& audience() { return audience_; }

 private:
  kj::Promise<Ending> follow();
  kj::Promise<void> drain();
  kj::Promise<void> record(Ending ending);
  Ending endingOf(int code);

  kj::AsyncIoContext& io_;
  Inheritance inherited_;
  LogWriter log_;
  Audience audience_;
  OutputPump out_;
  OutputPump err_;
  Reaper reaper_;
  kj::Promise<void> copying_;
  kj::ForkedPromise<Ending> ended_;
  kj::Promise<void> reaping_ = nullptr;
};

}  // namespace bulkhead::shim
