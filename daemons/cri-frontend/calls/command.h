// What ExecSync and Exec have in common: a command, and a container that runs.
#pragma once

#include <string>
#include <vector>

#include "daemons/cri-frontend/calls/calls.h"

namespace bulkhead::cri {

using Words = google::protobuf::RepeatedPtrField<std::string>;

Outcome<std::vector<std::string>> commandOf(const Words& words);
// As findContainer; refuses also what does not run.
Outcome<ContainerRef> findRunning(const Frontend& frontend, const std::string& id);

}  // namespace bulkhead::cri
