// Control groups as directories: cgroup v2, or v1 with one hierarchy per controller (and perhaps a unified
// one beside them). Paths are in cgroupfs notation: "/kubepods/burstable/podX".
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "daemons/common/base/fd.h"

namespace bulkhead::cgroup {

inline const std::string mountPoint = "/sys/fs/cgroup";

// Only a v2 hierarchy at /sys/fs/cgroup.
bool isV2();

// crun 1.8 refuses a hybrid host whose v2 hierarchy owns a controller.
bool isHybridWithV2Controllers();

// What the v2 hierarchy of a hybrid host owns: "hugetlb rdma". Empty if there is none.
std::string unifiedControllers();

// Does the kernel count swap per group (v1: memory.memsw)?
bool hasSwapAccounting();

// Does it count huge pages per group, in a hierarchy beneath mountPoint that is used for containers?
bool hasHugetlb();

bool exists(const std::string& path);

// Makes the group, and its parents, in every hierarchy. Throws SystemError.
void make(const std::string& path);

// Removes it where it is empty, and nothing above it. A group that is busy stays.
void remove(const std::string& path);

// Those in the group and in those beneath it; they may have ended by now. An absent group is fine.
std::vector<pid_t> processesOf(const std::string& path);

// Ends every process in the group and in those beneath it, for good: what forks meanwhile is ended too. An
// absent group is fine.
void killAll(const std::string& path);

// The file that counts OOM kills in a line "oom_kill N". An invalid Fd if there is none.
Fd openOomCounter(const std::string& path);

}  // namespace bulkhead::cgroup
