// Child processes for programs without an event loop: fork, exec of a fixed program with exactly the
// descriptors, environment, signals and limits that it should have, and a wait by pidfd.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "daemons/common/base/fd.h"

namespace bulkhead {

// In a freshly forked child: default dispositions, empty mask, no ignored signals, oom_score_adj as at boot
// of the parent's parent (0), and no descriptor open but those in `keep` and 0-2. Both signal mask and
// ignored signals survive exec, so whoever execs a stranger's program calls this first.
void resetSignals();
void closeAllBut(std::vector<int> keep);

// Forks and executes one of our own helper programs: descriptors `fds` become 3, 4, … in it, 0 is /dev/null,
// 1 and 2 are ours, the environment is empty, signals are reset. `program` is an absolute path; `arguments`
// exclude argv[0]. It has a session, and so its own share of the processors. The child is killed (SIGKILL)
// when the calling thread's process dies. Throws SystemError.
pid_t spawnProgram(const std::string& program, const std::vector<std::string>& arguments,
                   const std::vector<int>& fds);

// How a child ended: exit code 0-255, or 128 + signal, as shells and CRI count.
struct ExitStatus {
  int code = 0;
  bool signalled = false;
};
ExitStatus exitStatusOf(int waitStatus);

// Waits for `pid`, at most `limit`; nothing on timeout (the child still runs).
std::optional<ExitStatus> waitFor(pid_t pid, std::optional<std::chrono::milliseconds> limit);

// Start time of a process in clock ticks since boot (/proc/PID/stat, field 22): with the pid it names a
// process for ever. 0 if it is gone.
unsigned long long processStartTime(pid_t pid);

// A pidfd that certainly means the process of that pid and start time; invalid if that one is gone. Throws if
// it cannot be known.
Fd openProcess(pid_t pid, unsigned long long started);

// Waits for the process behind a pidfd; a negative limit is none.
bool hasEnded(int pidfd, std::chrono::milliseconds limit);

}  // namespace bulkhead
