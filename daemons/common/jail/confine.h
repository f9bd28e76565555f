// Self-confinement: makes the calling process be its row of the privilege table. All or nothing: a wall that
// cannot be raised throws SystemError, and the caller must exit without having read a byte from anyone.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "daemons/common/jail/privileges.h"

namespace bulkhead::jail {

// The first thing any program does: restores signal dispositions and mask, closes every descriptor but 0-2
// and those inherited through LISTEN_FDS (none unless LISTEN_PID is ours), opens /dev/null on missing 0-2,
// clears the environment but for LISTEN_*, NOTIFY_SOCKET and WATCHDOG_*, sets umask 077, makes the process
// non-dumpable (so core-less), leaves its session's terminal alone. A helper program that one of our daemons
// started through spawnProgram() has `inherited` descriptors, 3 and up; they are kept and made close-on-exec.
void sanitise(int inherited = 0);

// Puts signals, umask, priority, scheduling, timer slack and oom score back to what a stranger's program
// should start with: called by passesOn processes right before they exec. Resource limits were never touched
// (limits.h). Never fails for what cannot be raised here.
void restoreForStrangers();

struct Access {
  std::string path;
  enum class Right { read, readWrite, execute } right;
};

struct Confinement {
  uid_t uid = 0;
  gid_t gid = 0;
  // Landlock: the process may open only beneath these from now on (what is open stays open). Empty: no path
  // at all. A path that does not exist gives nothing. Ignored for rows with network == host, passesOn or
  // CAP_SYS_ADMIN, where Landlock would break mount(2) or be inherited.
  std::vector<Access> paths;
  // Descriptors that stay open besides 0-2. Empty: all that are open stay (they are close-on-exec anyway).
  std::vector<int> keep;
  // The CNI runner's, from the configuration, instead of its row's. std::logic_error for any other process.
  std::optional<CapabilitySet> capabilities;
};

// In this order, the filter last so that it may forbid what was just used: keep descriptors; rlimits; network
// namespace (network none, unixOnly or accepting: a new, empty one, if CAP_SYS_ADMIN is held at this point,
// before uid change; the storage zygote's workers stay in its); bounding set, securebits; groups, gid, uid
// (already being that user is fine); capability sets; PDEATHSIG as it was; non-dumpable; no_new_privs;
// Landlock; everything is read back from the kernel (by system calls: there may be no /proc); seccomp. Sets
// the process's name (PR_SET_NAME) to the row's: audit finds a process's row by it and its executable.
//
// The bounding set loses at most what the process was given: a capability the host does not hold (a
// container, a restricted machine) cannot be granted and is not missed here, only reported by audit. Without
// CAP_SETPCAP it can be as large as it was for rows with no_new_privs, which makes it moot.
//
// Call it before the first thread starts; it throws std::logic_error otherwise.
void confine(Process process, const Confinement& confinement);

}  // namespace bulkhead::jail
