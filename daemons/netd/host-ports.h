// Ports of the node that pods get: what the ceiling cannot know, because it depends on the network and on
// other pods.
#pragma once

#include <vector>

#include "daemons/netd/conflist.h"
#include "daemons/netd/pod-network.h"

namespace bulkhead::netd {

// Refuses (invalidArgument) a port of the node that one pod sends to two places. The same mapping said twice
// is one.
Outcome<std::vector<PortMapping>> withoutRepetition(std::vector<PortMapping> mappings);

// Refuses (failedPrecondition) ports where no plugin of the network asks for them: nobody would open them.
Outcome<void> checkServed(const Conflist& conflist, const std::vector<PortMapping>& wanted);

// Refuses (failedPrecondition, naming `holder`) a port that it has: both on the same protocol, number and
// address. No address is every address; 0.0.0.0 and :: are every one of their family.
Outcome<void> checkFree(const std::vector<PortMapping>& wanted, const PodNetwork& holder);

// Refuses (failedPrecondition) an address of the node of a family that the pod has no address of: the port
// would be open on nothing.
Outcome<void> checkFamilies(const std::vector<PortMapping>& wanted,
                            const std::vector<std::string>& podAddresses);

}  // namespace bulkhead::netd
