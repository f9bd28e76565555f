// The fetcher process: one operation, then gone.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <vector>

#include "daemons/common/base/fd.h"
#include "daemons/common/jail/confine.h"

namespace bulkhead::fetcher {

struct Settings {
  uid_t uid = 0;
  gid_t gid = 0;
  std::chrono::milliseconds progressTimeout{0};  // configuration: pull.progressTimeoutMs
  bool schema1 = false;                          // configuration: pull.schema1
};

// In a child that the zygote has just forked: confines itself as Process::fetcher, then reads the one
// FetchRequest from `socket`, does it, answers, exits. Ends quietly when main closes its end.
[[noreturn]] void runFetcher(Fd socket, const Settings& settings);

// What a fetcher may read: trust anchors and what the resolver needs. Only what exists on this host.
std::vector<jail::Access> readablePaths();

}  // namespace bulkhead::fetcher
