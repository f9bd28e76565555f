// Readings as CRI's metrics, under the names and labels that the kubelet's cAdvisor gives them, so that
// dashboards and alerts need not know who collected.
#pragma once

#include "daemons/cri-frontend/stats/messages.h"

namespace bulkhead::cri {

// Always the same.
std::vector<::runtime::v1::MetricDescriptor> metricDescriptors();

::runtime::v1::PodSandboxMetrics podMetricsOf(const Pod& pod, const std::vector<ContainerRef>& containers,
                                              const Gathered& gathered);

}  // namespace bulkhead::cri
