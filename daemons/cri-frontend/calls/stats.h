// Stats and metrics of containers and pods (stats/README.md). A container whose control group has gone is
// answered with what else is known of it.
#pragma once

#include "daemons/cri-frontend/calls/calls.h"

namespace bulkhead::cri {

Answer<v1::ContainerStatsResponse> containerStats(Frontend& frontend,
                                                  const v1::ContainerStatsRequest& request);
Answer<v1::ListContainerStatsResponse> listContainerStats(Frontend& frontend,
                                                          const v1::ListContainerStatsRequest& request);
Answer<v1::PodSandboxStatsResponse> podSandboxStats(Frontend& frontend,
                                                    const v1::PodSandboxStatsRequest& request);
Answer<v1::ListPodSandboxStatsResponse> listPodSandboxStats(Frontend& frontend,
                                                            const v1::ListPodSandboxStatsRequest& request);
Answer<v1::ListMetricDescriptorsResponse> listMetricDescriptors(
    Frontend& frontend, const v1::ListMetricDescriptorsRequest& request);
Answer<v1::ListPodSandboxMetricsResponse> listPodSandboxMetrics(
    Frontend& frontend, const v1::ListPodSandboxMetricsRequest& request);

}  // namespace bulkhead::cri
