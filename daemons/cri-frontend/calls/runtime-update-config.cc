#include "daemons/cri-frontend/calls/upkeep-calls.h"

namespace bulkhead::cri {

// The node's pod range, for runtimes that write a CNI configuration from a template. Ours is root's, as it
// is.
Answer<v1::UpdateRuntimeConfigResponse> updateRuntimeConfig(Frontend&,
                                                            const v1::UpdateRuntimeConfigRequest&) {
  return Outcome<v1::UpdateRuntimeConfigResponse>({});
}

}  // namespace bulkhead::cri
