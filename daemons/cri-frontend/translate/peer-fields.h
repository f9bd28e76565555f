// The peers name a refused field as in their own messages; the caller knows only CRI's names.
#pragma once

#include "daemons/common/base/error.h"

namespace bulkhead::cri {

// Which request the refusal belongs to.
enum class Asked { pod, container, call };

// "mounts[3].source" of a container becomes "config.mounts[3].host_path". A name that is not known stays as
// it is.
Refusal inCriTerms(Refusal refusal, Asked asked);

}  // namespace bulkhead::cri
