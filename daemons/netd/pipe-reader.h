// What a plugin writes, read on the event loop and bounded.
#pragma once

#include <kj/async-unix.h>

#include <string>

#include "daemons/common/base/fd.h"

namespace bulkhead::netd {

class PipeReader {
 public:
  // Keeps at most `limit` bytes. With one more the pipe is closed: a writer that goes on gets SIGPIPE.
  PipeReader(kj::UnixEventPort& port, Fd pipe, size_t limit);

  // Reads until end of file, or the limit.
  kj::Promise<void> pump();
  // What came so far, with whatever is in the pipe now: everything, once the writer has ended. (Its
  // descendants may hold the pipe open for ever; they are not waited for.)
  std::string finish();
  [[nodiscard]] bool overflowed() const { return overflowed_; }

 private:
  enum class State { drained, ended, more };
  State readSome();

  Fd pipe_;
  size_t limit_;
  kj::Own<kj::UnixEventPort::FdObserver> observer_;  // goes before its descriptor
  std::string bytes_;
  bool overflowed_ = false;
};

}  // namespace bulkhead::netd
