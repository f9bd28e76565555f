// Waits for the container's first process, and for whatever else becomes our child: as a subreaper we inherit
// orphans of containers without a PID namespace of their own.
#pragma once

#include <kj/async-unix.h>

#include <optional>

namespace bulkhead::shim {

class Reaper {
 public:
  // `pid` is our child. Call kj::UnixEventPort::captureSignal(SIGCHLD) before the port is made.
  Reaper(kj::UnixEventPort& port, pid_t pid) : port_(port), pid_(pid) {}

  // The exit code of `pid`, 0-255 or 128 + signal, once it has ended; at most one call.
  kj::Promise<int> exitCode();
  // Goes on reaping for as long as it is held; never resolves.
  kj::Promise<void> reapOthers();

 private:
  std::optional<int> reapAll();

  kj::UnixEventPort& port_;
  pid_t pid_;
};

}  // namespace bulkhead::shim
