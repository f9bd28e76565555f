// How much a container's processes hold open (proc(5), /proc/PID/fd).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace bulkhead::files {

struct OpenFiles {
  std::uint64_t descriptors = 0;
  std::uint64_t sockets = 0;  // of these
};

// Of the processes in `cgroup`. Looks at no more descriptors than `left`, which it lowers: what is beyond is
// not counted. Processes that end meanwhile are left out.
OpenFiles countOpenFiles(const std::string& cgroup, std::size_t& left);

// How many descriptors process `pid` may have (RLIMIT_NOFILE, soft); 0 if it is gone.
std::uint64_t openFilesLimit(pid_t pid);

}  // namespace bulkhead::files
