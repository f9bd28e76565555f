// The calls that change a pod or container while it lives, beside calls.h.
#pragma once

#include "daemons/cri-frontend/calls/calls.h"

namespace bulkhead::cri {

Answer<v1::ReopenContainerLogResponse> reopenContainerLog(Frontend& frontend,
                                                          const v1::ReopenContainerLogRequest& request);
Answer<v1::UpdateContainerResourcesResponse> updateContainerResources(
    Frontend& frontend, const v1::UpdateContainerResourcesRequest& request);
Answer<v1::UpdatePodSandboxResourcesResponse> updatePodSandboxResources(
    Frontend& frontend, const v1::UpdatePodSandboxResourcesRequest& request);
Answer<v1::UpdateRuntimeConfigResponse> updateRuntimeConfig(Frontend& frontend,
                                                            const v1::UpdateRuntimeConfigRequest& request);

}  // namespace bulkhead::cri
