#include "daemons/cri-frontend/stats/metrics.h"

#include "daemons/cri-frontend/stats/metric-table.h"

namespace bulkhead::cri {
namespace {

namespace v1 = ::runtime::v1;

// The kubelet's own of a container: cAdvisor's, with those that it adds (kubernetes,
// containerPrometheusLabelsFunc).
constexpr const char* baseKeys[] = {"container", "id", "image", "name", "namespace", "pod"};

std::vector<MetricRow> allMetrics() {
  std::vector<MetricRow> all;
  for (auto& group : {cpuMetrics(), memoryMetrics(), deviceMetrics(), networkMetrics(), otherMetrics()})
    all.insert(all.end(), group.begin(), group.end());
  return all;
}

// The values of `baseKeys`.
using BaseLabels = std::vector<std::string>;

BaseLabels labelsOf(const Pod& pod, const Container* container) {
  const auto& metadata = pod.record.config().metadata();
  if (container == nullptr) return {"", pod.record.cgroup(), "", "", metadata.namespace_(), metadata.name()};
  const auto& config = container->record.config();
  const auto& image = config.image();
  return {config.metadata().name(),
          container->record.cgroup(),
          image.user_specified_image().empty() ? image.image() : image.user_specified_image(),
          container->id.text(),
          metadata.namespace_(),
          metadata.name()};
}

template <typename To>
void write(To& to, const std::vector<MetricRow>& rows, const BaseLabels& base, const MetricSubject& subject) {
  for (const MetricRow& row : rows) {
    for (const MetricValue& value : row.values(subject)) {
      auto& metric = *to.add_metrics();
      metric.set_name(row.name);
      metric.set_timestamp(value.timestamp);
      metric.set_metric_type(row.type);
      for (const auto& label : base) metric.add_label_values(label);
      for (const auto& label : value.labels) metric.add_label_values(label);
      metric.mutable_value()->set_value(value.value);
    }
  }
}

const CgroupReading* readingOf(const Gathered& gathered, const std::string& group) {
  const GroupStats* stats = gathered.group(group);
  return stats == nullptr ? nullptr : &stats->reading;
}

}  // namespace

std::vector<v1::MetricDescriptor> metricDescriptors() {
  std::vector<v1::MetricDescriptor> descriptors;
  for (const MetricRow& row : allMetrics()) {
    auto& descriptor = descriptors.emplace_back();
    descriptor.set_name(row.name);
    descriptor.set_help(row.help);
    for (const char* key : baseKeys) descriptor.add_label_keys(key);
    for (const char* key : row.labelKeys) descriptor.add_label_keys(key);
  }
  return descriptors;
}

v1::PodSandboxMetrics podMetricsOf(const Pod& pod, const std::vector<ContainerRef>& containers,
                                   const Gathered& gathered) {
  const auto rows = allMetrics();
  v1::PodSandboxMetrics metrics;
  metrics.set_pod_sandbox_id(pod.id.text());
  MetricSubject whole{.reading = readingOf(gathered, pod.record.cgroup()),
                      .startedAt = pod.record.created_at()};
  auto network = gathered.network.find(pod.id);
  if (network != gathered.network.end()) whole.interfaces = &network->second;
  write(metrics, rows, labelsOf(pod, nullptr), whole);
  for (const auto& container : containers) {
    auto& to = *metrics.add_container_metrics();
    to.set_container_id(container->id.text());
    MetricSubject subject{.reading = readingOf(gathered, container->record.cgroup()),
                          .startedAt = container->record.started_at(),
                          .layer = gathered.layer(container->id),
                          .store = &gathered.layers,
                          .files = gathered.open(container->id)};
    write(to, rows, labelsOf(pod, container.get()), subject);
  }
  return metrics;
}

}  // namespace bulkhead::cri
