// What status calls say when asked to be verbose: JSON for people and for crictl's templates.
#pragma once

#include "daemons/cri-frontend/calls/calls.h"

namespace bulkhead::cri {

// `facts` as the launcher gave them, if it did.
std::string verboseInfo(const Container& container, const Pod* pod, const Outcome<ContainerFacts>& facts);
std::string verboseInfo(const Pod& pod);

}  // namespace bulkhead::cri
