#include "daemons/shim/monitor/reaper.h"

#include <sys/wait.h>

#include <csignal>

namespace bulkhead::shim {

// Signals coalesce: one may stand for several children.
std::optional<int> Reaper::reapAll() {
  std::optional<int> code;
  while (true) {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0) return code;
    if (info.si_pid == pid_) code = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
  }
}

kj::Promise<int> Reaper::exitCode() {
  // The next signal is asked for before looking, so that none falls in between.
  auto next = port_.onSignal(SIGCHLD);
  if (auto code = reapAll()) return *code;
  return next.then([this](siginfo_t&&) { return exitCode(); });
}

kj::Promise<void> Reaper::reapOthers() {
  auto next = port_.onSignal(SIGCHLD);
  (void)reapAll();
  return next.then([this](siginfo_t&&) { return reapOthers(); });
}

}  // namespace bulkhead::shim
