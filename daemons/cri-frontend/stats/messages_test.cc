#include "daemons/cri-frontend/stats/messages.h"

#include <gtest/gtest.h>

#include <set>

#include "daemons/cri-frontend/stats/metrics.h"

namespace bulkhead::cri {
namespace {

const std::string podHex(64, 'a');
const std::string containerHex(64, 'b');

struct Subject {
  Subject() {
    pod.record.set_cgroup("/p");
    pod.record.mutable_config()->mutable_metadata()->set_name("web");
    pod.record.mutable_config()->mutable_metadata()->set_namespace_("default");
    (*pod.record.mutable_config()->mutable_labels())["app"] = "web";
    container->record.set_cgroup("/p/c");
    container->record.set_started_at(5'000'000'000);
    container->record.mutable_config()->mutable_metadata()->set_name("main");
    container->record.mutable_config()->mutable_image()->set_image("busybox");
    GroupStats stats;
    stats.reading.timestamp = 7'000'000'000;
    stats.reading.cpu = CpuReading{.usage = 3'000'000'000};
    stats.reading.cpu->pressure = Pressure{.some = {1, 2, 3, 44}, .full = {4, 5, 6, 77}};
    stats.reading.memory =
        MemoryReading{.usage = 900, .workingSet = 600, .limit = 1000, .swapUsage = 5, .swapLimit = 15};
    stats.reading.memory->pressure = stats.reading.ioPressure = stats.reading.cpu->pressure;
    stats.reading.tasks = TaskReading{.processes = 3, .threads = 9, .maxThreads = {}};
    stats.cores = 250;
    gathered.groups["/p"] = stats;
    gathered.groups["/p/c"] = stats;
    gathered.layers = {"/store", {{container->id, {6, 4096, 2}}}};
  }

  Pod pod{*PodId::parse(podHex, ""), {}};
  ContainerRef container = std::make_shared<Container>(
      Container{*ContainerId::parse(containerHex, ""), *PodId::parse(podHex, ""), {}});
  Gathered gathered;
};

TEST(StatsMessage, OfAContainer) {
  Subject of;
  auto stats = containerStatsOf(*of.container, of.gathered);
  EXPECT_EQ(stats.attributes().id(), containerHex);
  EXPECT_EQ(stats.attributes().metadata().name(), "main");
  EXPECT_EQ(stats.cpu().timestamp(), 7'000'000'000);
  EXPECT_EQ(stats.cpu().usage_nano_cores().value(), 250u);
  EXPECT_EQ(stats.cpu().psi().some().total(), 44'000u);
  EXPECT_EQ(stats.cpu().psi().some().avg10(), 1);
  EXPECT_EQ(stats.memory().psi().full().total(), 77'000u);
  EXPECT_EQ(stats.memory().psi().full().avg60(), 5);
  EXPECT_EQ(stats.io().psi().full().avg300(), 6);
  EXPECT_EQ(stats.memory().available_bytes().value(), 400u);
  EXPECT_EQ(stats.swap().swap_usage_bytes().value(), 5u);
  EXPECT_EQ(stats.swap().swap_available_bytes().value(), 10u);
  EXPECT_EQ(stats.swap().timestamp(), 7'000'000'000);
  EXPECT_EQ(stats.writable_layer().used_bytes().value(), 4096u);
  EXPECT_EQ(stats.writable_layer().fs_id().mountpoint(), "/store");
}

TEST(StatsMessage, WhatIsNotKnownIsNoZero) {
  Subject of;
  auto stats = containerStatsOf(*of.container, {});
  EXPECT_EQ(stats.attributes().id(), containerHex);
  EXPECT_FALSE(stats.has_cpu() || stats.has_memory() || stats.has_writable_layer() || stats.has_swap());
  of.gathered.groups.at("/p/c").cores.reset();
  EXPECT_FALSE(containerStatsOf(*of.container, of.gathered).cpu().has_usage_nano_cores());
}

TEST(StatsMessage, OfAPod) {
  Subject of;
  auto stats = podStatsOf(of.pod, {of.container}, of.gathered);
  EXPECT_EQ(stats.attributes().labels().at("app"), "web");
  EXPECT_EQ(stats.linux().process().process_count().value(), 3u);
  EXPECT_EQ(stats.linux().containers_size(), 1);
}

TEST(Metrics, EachIsDescribedAndHasAValueForEachLabel) {
  Subject of;
  std::map<std::string, int> described;
  for (const auto& descriptor : metricDescriptors()) {
    EXPECT_FALSE(descriptor.help().empty()) << descriptor.name();
    EXPECT_TRUE(described.emplace(descriptor.name(), descriptor.label_keys_size()).second)
        << descriptor.name();
  }
  auto metrics = podMetricsOf(of.pod, {of.container}, of.gathered);
  ASSERT_EQ(metrics.container_metrics_size(), 1);
  std::set<std::string> seen;
  auto check = [&](const auto& list) {
    for (const auto& metric : list) {
      ASSERT_TRUE(described.contains(metric.name())) << metric.name();
      EXPECT_EQ(metric.label_values_size(), described.at(metric.name())) << metric.name();
      seen.insert(metric.name());
    }
  };
  check(metrics.metrics());
  check(metrics.container_metrics(0).metrics());
  for (const char* name :
       {"container_cpu_usage_seconds_total", "container_memory_working_set_bytes", "container_fs_usage_bytes",
        "container_start_time_seconds", "container_memory_failures_total"})
    EXPECT_TRUE(seen.contains(name)) << name;
}

TEST(Metrics, BearTheLabelsOfTheKubelet) {
  Subject of;
  auto metrics = podMetricsOf(of.pod, {of.container}, of.gathered);
  for (const auto& metric : metrics.container_metrics(0).metrics()) {
    if (metric.name() != "container_cpu_usage_seconds_total") continue;
    std::vector<std::string> labels(metric.label_values().begin(), metric.label_values().end());
    EXPECT_EQ(labels,
              (std::vector<std::string>{"main", "/p/c", "busybox", containerHex, "default", "web", "total"}));
    EXPECT_EQ(metric.value().value(), 3u);
    return;
  }
  FAIL() << "no CPU";
}

TEST(Metrics, OfAPodOfWhichNothingIsKnownAreFew) {
  Subject of;
  of.container->record.set_started_at(0);
  auto metrics = podMetricsOf(of.pod, {of.container}, {});
  EXPECT_EQ(metrics.metrics_size(), 0);
  EXPECT_EQ(metrics.container_metrics(0).metrics_size(), 0);
}

}  // namespace
}  // namespace bulkhead::cri
