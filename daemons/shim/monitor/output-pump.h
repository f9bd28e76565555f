// Copies one stream of the container into its log, and to whoever is attached.
#pragma once

#include <kj/async-unix.h>

#include "daemons/common/base/fd.h"
#include "daemons/shim/monitor/audience.h"
#include "daemons/shim/monitor/log-writer.h"

namespace bulkhead::shim {

class OutputPump {
 public:
  // `pipe`, which may also be a terminal's master, becomes non-blocking; the rest outlives the pump.
  OutputPump(kj::UnixEventPort& port, Fd pipe, Stream stream, LogWriter& log, Audience& audience);

  // Resolves at end of file: nobody holds the pipe's other end any more.
  kj::Promise<void> run();
  // Takes what is in the pipe now and gives up on the rest: some process may hold its other end for ever.
  void finish();

 private:
  enum class Found { nothing, more, end };
  // Takes what there is, up to about `limit` bytes.
  Found drain(size_t limit);

  Fd pipe_;
  Stream stream_;
  LogWriter& log_;
  Audience& audience_;
  kj::UnixEventPort::FdObserver observer_;
  bool ended_ = false;
};

}  // namespace bulkhead::shim
