// One run of one daemon: fork, its control group, its listeners as LISTEN_FDS, exec.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "daemons/common/base/fd.h"

namespace bulkhead::supervisor {

struct DaemonStart {
  std::string program;                                 // absolute path
  std::vector<std::string> arguments;                  // without argv[0]
  std::vector<std::pair<std::string, int>> listeners;  // name and borrowed descriptor
  std::string notifyPath;
  int cgroupProcesses = -1;  // cgroup.procs of its group; borrowed
};

struct DaemonProcess {
  pid_t pid = 0;
  Fd pidfd;
};

// The child leads a session of its own (the supervisor alone answers ^C), has an environment of nothing but
// LISTEN_* and NOTIFY_SOCKET (the image daemon also *_PROXY), and dies with the caller as long as it keeps
// its uid. One that cannot be executed says so on stderr and exits 127. Call while the process has one
// thread. Throws SystemError.
DaemonProcess startDaemonProcess(const DaemonStart& start);

}  // namespace bulkhead::supervisor
