// The calls that stream: events, and the lists in pieces. Filters and items are those of their unary twins;
// an item that goes away while the list is sent is left out.
#pragma once

#include "daemons/cri-frontend/calls/calls.h"
#include "daemons/cri-frontend/stream-source.h"

namespace bulkhead::cri {

// Until the client leaves or falls behind.
Stream<v1::ContainerEventResponse> getContainerEvents(Frontend& frontend,
                                                      const v1::GetEventsRequest& request);

Stream<v1::StreamPodSandboxesResponse> streamPodSandboxes(Frontend& frontend,
                                                          const v1::StreamPodSandboxesRequest& request);
Stream<v1::StreamContainersResponse> streamContainers(Frontend& frontend,
                                                      const v1::StreamContainersRequest& request);
Stream<v1::StreamContainerStatsResponse> streamContainerStats(Frontend& frontend,
                                                              const v1::StreamContainerStatsRequest& request);
Stream<v1::StreamPodSandboxStatsResponse> streamPodSandboxStats(
    Frontend& frontend, const v1::StreamPodSandboxStatsRequest& request);
Stream<v1::StreamPodSandboxMetricsResponse> streamPodSandboxMetrics(
    Frontend& frontend, const v1::StreamPodSandboxMetricsRequest& request);
Stream<v1::StreamImagesResponse> streamImages(Frontend& frontend, const v1::StreamImagesRequest& request);

}  // namespace bulkhead::cri
