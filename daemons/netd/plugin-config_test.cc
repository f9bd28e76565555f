#include "daemons/netd/plugin-config.h"

#include <gtest/gtest.h>

namespace bulkhead::netd {
namespace {

std::string listOf(const std::string& plugins) {
  return R"({"cniVersion":"1.1.0","name":"net","plugins":)" + plugins + "}";
}

PodNetwork pod(std::vector<PortMapping> mappings = {}) {
  return {PodId::parse(std::string(64, 'a'), "").value(), "web", "default", "uid-1", std::move(mappings)};
}

// CNI specification 1.1, section 3: the request carries name and version of the list, not the capabilities.
TEST(PluginConfig, IsDerivedAsTheSpecificationSays) {
  auto conflist =
      parseConflist(listOf(R"([{"type":"portmap","snat":true,"capabilities":{"portMappings":true}}])"), "f");
  ASSERT_TRUE(conflist);
  Json previous{{"ips", Json::array()}};
  PodNetwork network = pod({{"tcp", 80, 8080, ""}, {"udp", 53, 5353, "127.0.0.1"}});
  Json config = Json::parse(pluginConfig(*conflist, conflist->plugins[0], network, previous));
  EXPECT_EQ(config, Json::parse(R"({"type":"portmap","snat":true,"name":"net","cniVersion":"1.1.0",
    "prevResult":{"ips":[]},"runtimeConfig":{"portMappings":[
      {"hostPort":8080,"containerPort":80,"protocol":"tcp"},
      {"hostPort":5353,"containerPort":53,"protocol":"udp","hostIP":"127.0.0.1"}]}})"));
}

TEST(PluginConfig, KeepsPortMappingsFromPluginsThatDidNotAsk) {
  auto conflist = parseConflist(listOf(R"([{"type":"bridge","capabilities":{"portMappings":false}}])"), "f");
  ASSERT_TRUE(conflist);
  Json config =
      Json::parse(pluginConfig(*conflist, conflist->plugins[0], pod({{"tcp", 80, 8080, ""}}), std::nullopt));
  EXPECT_FALSE(config.contains("runtimeConfig"));
  EXPECT_FALSE(config.contains("prevResult"));
}

PodNetwork podWithFacts() {
  PodNetwork network = pod();
  network.facts = {{{"a/b", "1"}}, "/kubepods/pod1", {{"10.0.0.10"}, {"svc"}, {"ndots:5"}}, 1'000'000, 0};
  return network;
}

TEST(PluginConfig, TellsOnlyWhatAPluginAsksFor) {
  auto conflist =
      parseConflist(listOf(R"([{"type":"bridge"},{"type":"all","capabilities":{"bandwidth":true,"dns":true,
      "io.kubernetes.cri.pod-annotations":true,"cgroupPath":true,"ipRanges":true,"mac":true}}])"),
                    "f");
  ASSERT_TRUE(conflist);
  Json none = Json::parse(pluginConfig(*conflist, conflist->plugins[0], podWithFacts(), std::nullopt));
  EXPECT_FALSE(none.contains("runtimeConfig"));
  Json all = Json::parse(pluginConfig(*conflist, conflist->plugins[1], podWithFacts(), std::nullopt));
  EXPECT_EQ(all["runtimeConfig"], Json::parse(R"({
      "bandwidth":{"ingressRate":1000000,"ingressBurst":4294967295},
      "dns":{"servers":["10.0.0.10"],"searches":["svc"],"options":["ndots:5"]},
      "io.kubernetes.cri.pod-annotations":{"a/b":"1"},
      "cgroupPath":"/kubepods/pod1"})"));
  Json nothing = Json::parse(pluginConfig(*conflist, conflist->plugins[1], pod(), std::nullopt));
  EXPECT_FALSE(nothing.contains("runtimeConfig"));
}

TEST(PluginConfig, KeepsOnlyFactsThatSomePluginAsksFor) {
  auto conflist = parseConflist(
      listOf(R"([{"type":"x","capabilities":{"cgroupPath":true}},{"type":"y","capabilities":{"dns":true}}])"),
      "f");
  PodFacts kept = declaredFacts(podWithFacts().facts, *conflist);
  EXPECT_TRUE(kept.annotations.empty());
  EXPECT_EQ(kept.ingressRate, 0U);
  EXPECT_EQ(kept.cgroupPath, "/kubepods/pod1");
  EXPECT_FALSE(kept.dns.empty());
}

// CNI specification 1.1, section 2, "GC".
TEST(PluginConfig, NamesWhatAGcLeaves) {
  auto conflist = parseConflist(listOf(R"([{"type":"x","capabilities":{"dns":true}}])"), "f");
  EXPECT_EQ(Json::parse(collectConfig(*conflist, conflist->plugins[0], {pod().id})),
            Json::parse(R"({"type":"x","name":"net","cniVersion":"1.1.0","cni.dev/valid-attachments":
      [{"containerID":")" +
                        std::string(64, 'a') + R"(","ifname":"eth0"}]})"));
  EXPECT_EQ(Json::parse(collectConfig(*conflist, conflist->plugins[0], {}))["cni.dev/valid-attachments"],
            Json::array());
}

}  // namespace
}  // namespace bulkhead::netd
