// From a parsed policy to the BPF program that seccomp(2) takes.
#pragma once

#include <linux/filter.h>

#include <vector>

#include "daemons/common/jail/policy-compiler/policy.h"

namespace bulkhead::policy {

enum class Otherwise {
  kill,  // what ships: a call that is not listed ends the process
  log,   // sanitized builds, whose runtimes make calls of their own
};

// Throws PolicyError for rules that contradict each other or that libseccomp refuses.
std::vector<sock_filter> compilePolicy(const Policy& policy, Otherwise otherwise);

}  // namespace bulkhead::policy
