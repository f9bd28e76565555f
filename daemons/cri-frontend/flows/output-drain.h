// OutputDrain: reads one output of an ExecSync on the event loop, keeps the beginning and drops the rest, so
// that the writer never blocks on us and never fills our memory.
#pragma once

#include <kj/async-unix.h>

#include <string>

#include "daemons/common/base/fd.h"

namespace bulkhead::cri {

class OutputDrain {
 public:
  // Takes the read end of a pipe. `limit` in bytes.
  OutputDrain(kj::UnixEventPort& port, Fd pipe, size_t limit);

  // Reads until end of file. Never rejects.
  kj::Promise<void> run();
  // What is in the pipe at this moment, too: all that a process wrote which has ended, even if an orphan of
  // it still holds the write end.
  std::string finish();

 private:
  enum class Got { data, nothingYet, end };
  Got readSome();

  Fd pipe_;
  size_t limit_;
  std::string kept_;
  kj::UnixEventPort::FdObserver observer_;
};

}  // namespace bulkhead::cri
