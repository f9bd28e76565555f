// A pod's network as JSON: its part of netd's own record.
#pragma once

#include "daemons/netd/json.h"
#include "daemons/netd/pod-network.h"

namespace bulkhead::netd {

Json toJson(const PodNetwork& pod);
// Refuses (invalidArgument) what toJson() did not write.
Outcome<PodNetwork> podFromJson(const Json& from);

}  // namespace bulkhead::netd
