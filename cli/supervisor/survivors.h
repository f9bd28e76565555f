// What lives on without the daemons: shims with their containers, and pods.
#pragma once

#include <sys/types.h>

#include <vector>

#include "daemons/common/base/layout.h"

namespace bulkhead::supervisor {

struct Survivors {
  size_t pods = 0;
  size_t containers = 0;
};

// Containers: the shims among `processes`, the launcher's control group. Pods: the launcher's records of
// them.
Survivors countSurvivors(const Layout& layout, const std::vector<pid_t>& processes);

}  // namespace bulkhead::supervisor
