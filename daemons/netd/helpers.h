// netd's two helper programs, started before netd gives its rights away.
#pragma once

#include "daemons/common/jail/daemon.h"
#include "daemons/netd/settings.h"

namespace bulkhead::netd {

struct Helpers {
  Fd netns;   // control socket of bulkhead-netns-helper
  Fd runner;  // control socket of bulkhead-cni-runner
};

// They end when their control socket closes. Throws SystemError.
Helpers startHelpers(const jail::Options& options, const Settings& settings);

}  // namespace bulkhead::netd
