// Every metric: its name and labels, and how it is taken from a reading.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "daemons/cri-frontend/stats/messages.h"

namespace bulkhead::cri {

// What a metric is about: a container, or a pod as a whole.
struct MetricSubject {
  const CgroupReading* reading = nullptr;  // null: not read
  int64_t startedAt = 0;                   // nanoseconds since the epoch; 0: never
  const LayerUsage* layer = nullptr;       // a container's, if it was counted
  const LayersUsage* store = nullptr;      // the file system of layers, if storaged answered
  const OpenFiles* files = nullptr;        // if the launcher answered
  const std::vector<InterfaceCounters>* interfaces = nullptr;  // of a pod with a network of its own
};

struct MetricValue {
  uint64_t value;
  std::vector<std::string> labels;  // of the metric's own keys, in order
  int64_t timestamp = 0;            // of a count that was made earlier; 0: now
};

struct MetricRow {
  const char* name;
  const char* help;
  ::runtime::v1::MetricType type;
  std::vector<const char*> labelKeys;  // behind those that every metric has
  std::function<std::vector<MetricValue>(const MetricSubject&)> values;
};

std::vector<MetricRow> cpuMetrics();
std::vector<MetricRow> memoryMetrics();
std::vector<MetricRow> deviceMetrics();
std::vector<MetricRow> networkMetrics();
std::vector<MetricRow> otherMetrics();

}  // namespace bulkhead::cri
