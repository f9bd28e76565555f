// Copies one stream of the container into its log.
#pragma once

#include <kj/async-unix.h>

#include "daemons/common/base/fd.h"
#include "daemons/shim/monitor/log-writer.h"

namespace bulkhead::shim {

class OutputPump {
 public:
  // `pipe` becomes non-blocking; `log` outlives the pump.
  OutputPump(kj::UnixEventPort& port, Fd pipe, Stream stream, LogWriter& log);

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
  kj::UnixEventPort::FdObserver observer_;
  bool ended_ = false;
};

}  // namespace bulkhead::shim
