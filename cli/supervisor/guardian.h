// The guardian: a process that kills the daemons when the supervisor has died without doing so (SIGKILL). A
// parent death signal cannot do it: the kernel forgets that when a daemon changes its uid (prctl(2),
// PR_SET_PDEATHSIG).
#pragma once

#include <sys/types.h>

#include "daemons/common/base/fd.h"

namespace bulkhead::supervisor {

class Guardian {
 public:
  // Forks it; call while the process has one thread. Throws SystemError.
  Guardian();
  // Ends it; daemons still watched are killed.
  ~Guardian();
  Guardian(const Guardian&) = delete;
  Guardian& operator=(const Guardian&) = delete;

  // Watches the process of a pidfd from now on; `slot` (below maxSlots) names the daemon, and a new process
  // in a slot replaces the old one. Throws SystemError if the guardian is gone.
  void watch(unsigned slot, int pidfd);

  static constexpr unsigned maxSlots = 16;
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = 0;
  Fd socket_;
};

}  // namespace bulkhead::supervisor
