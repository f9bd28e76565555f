// Readings as CRI's stats. What was not read is not there: a missing number is no zero.
#pragma once

#include "daemons/cri-frontend/peers/launcher-client.h"
#include "daemons/cri-frontend/peers/netd-client.h"
#include "daemons/cri-frontend/peers/storaged-client.h"
#include "daemons/cri-frontend/records/container-table.h"
#include "daemons/cri-frontend/records/pod-table.h"
#include "daemons/cri-frontend/stats/stats-reader.h"

namespace bulkhead::cri {

// What is known of some pods and containers at one moment.
struct Gathered {
  GroupsStats groups;
  LayersUsage layers;
  PodCounters network;
  std::map<ContainerId, OpenFiles> files;

  // Null if it was not read.
  [[nodiscard]] const GroupStats* group(const std::string& name) const;
  [[nodiscard]] const LayerUsage* layer(const ContainerId& container) const;
  [[nodiscard]] const OpenFiles* open(const ContainerId& container) const;
};

::runtime::v1::ContainerStats containerStatsOf(const Container& container, const Gathered& gathered);
::runtime::v1::PodSandboxStats podStatsOf(const Pod& pod, const std::vector<ContainerRef>& containers,
                                          const Gathered& gathered);

}  // namespace bulkhead::cri
