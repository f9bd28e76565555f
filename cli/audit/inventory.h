// Finds the processes of one instance among all of the host's.
#pragma once

#include <vector>

#include "cli/audit/audit-compare.h"

namespace bulkhead::audit {

// What `compare` needs to know of this host and instance, as the caller sees them. The caller must be in the
// host's namespaces.
Subject readSubject(const cli::Instance& instance, const cli::Settings& settings);

// Every live process that runs one of our programs for this instance: its command line names the instance's
// root (none for the packaged one) or its control group is the instance's, so that a process cannot hide by
// rewriting one of them.
std::vector<ProcessFacts> readInstance(const cli::Instance& instance);

// Whether arguments name this root: "--root DIR" or "--root=DIR"; an empty root means that neither is there.
bool namesRoot(const std::vector<std::string>& arguments, const std::string& root);

// The report of the instance as it is now. A process seen between its fork and its confinement is not yet
// what it will be, so a report with differences is made anew for about a second; the last one counts.
Report auditInstance(const cli::Instance& instance, const cli::Settings& settings);

// "CAP_NET_ADMIN", … as a set; unknown names, which the configuration's reader refuses, are nothing.
jail::CapabilitySet capabilitySetOf(const std::vector<std::string>& names);

}  // namespace bulkhead::audit
