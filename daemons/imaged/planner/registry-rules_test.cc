#include "daemons/imaged/planner/registry-rules.h"

#include <gtest/gtest.h>

namespace bulkhead::planner {
namespace {

const std::string digest = "@sha256:" + std::string(64, 'a');

Outcome<std::vector<Source>> sourcesOf(const std::vector<RegistryRule>& rules, const std::string& reference) {
  return RegistryRules(rules).sourcesOf(ImageReference::parse(reference, "image").value());
}

// "host/repository" of each, in order.
std::vector<std::string> placesOf(const std::vector<RegistryRule>& rules, const std::string& reference) {
  std::vector<std::string> places;
  auto sources = sourcesOf(rules, reference).value();
  for (const Source& source : sources) places.push_back(source.host + "/" + source.repository);
  return places;
}

using Places = std::vector<std::string>;

TEST(RegistryRules, RefuseABlockedPrefixOnly) {
  std::vector<RegistryRule> rules{{"quay.io/team", "", false, true, {}}};
  EXPECT_EQ(sourcesOf(rules, "quay.io/team/app").error().code, Code::permissionDenied);
  EXPECT_TRUE(sourcesOf(rules, "quay.io/teamwork/app"));
  EXPECT_TRUE(sourcesOf(rules, "quay.io/other/app"));
}

TEST(RegistryRules, RefuseABlockedRegistryByAllItsNames) {
  std::vector<RegistryRule> rules{{"Quay.io", "", false, true, {}},
                                  {"docker.io/library", "", false, true, {}}};
  for (const char* name :
       {"quay.io/a", "QUAY.io/a", "quay.io:443/a", "Quay.IO:443/a", "busybox", "docker.io/busybox",
        "index.docker.io/library/busybox", "registry-1.docker.io/library/busybox",
        "REGISTRY-1.docker.io:443/library/busybox"}) {
    auto sources = sourcesOf(rules, name);
    ASSERT_FALSE(sources) << name;
    EXPECT_EQ(sources.error().code, Code::permissionDenied) << name;
  }
  EXPECT_TRUE(sourcesOf(rules, "quay.io:8443/a"));
  EXPECT_EQ(placesOf({{"quay.io", "mirror.local/q", false, false, {}}}, "QUAY.io:443/a"),
            Places{"mirror.local/q/a"});
}

TEST(RegistryRules, RefuseToMoveAnImageToABareHost) {
  EXPECT_EQ(sourcesOf({{"quay.io/app", "mirror.local", false, false, {}}}, "quay.io/app").error().code,
            Code::failedPrecondition);
}

TEST(RegistryRules, LeaveTheUnlistedAlone) {
  auto sources = sourcesOf({}, "example.com:5000/a/b:1");
  ASSERT_TRUE(sources);
  ASSERT_EQ(sources->size(), 1U);
  EXPECT_EQ(sources->at(0).host, "example.com:5000");
  EXPECT_EQ(sources->at(0).repository, "a/b");
  EXPECT_FALSE(sources->at(0).listed || sources->at(0).insecure || sources->at(0).mirror);
}

TEST(RegistryRules, FindDockerHub) {
  auto sources = sourcesOf({}, "busybox");
  EXPECT_EQ(sources->at(0).host, "registry-1.docker.io");
  EXPECT_EQ(sources->at(0).name, "docker.io");
  EXPECT_EQ(sources->at(0).repository, "library/busybox");
  EXPECT_EQ(placesOf({{"quay.io", "docker.io/team", false, false, {}}}, "quay.io/x"),
            Places{"registry-1.docker.io/team/x"});
}

TEST(RegistryRules, TakeTheLongestPrefix) {
  std::vector<RegistryRule> rules{{"quay.io", "mirror.local:5000/quay", false, false, {}},
                                  {"quay.io/team", "", true, false, {}}};
  auto moved = sourcesOf(rules, "quay.io/other/app")->at(0);
  EXPECT_EQ(moved.host, "mirror.local:5000");
  EXPECT_EQ(moved.repository, "quay/other/app");
  EXPECT_TRUE(moved.listed);
  auto kept = sourcesOf(rules, "quay.io/team/app")->at(0);
  EXPECT_EQ(kept.host, "quay.io");
  EXPECT_EQ(kept.repository, "team/app");
  EXPECT_TRUE(kept.insecure);
}

TEST(RegistryRules, LaterRulesReplaceEarlierOnesOfThePrefix) {
  std::vector<RegistryRule> rules{{"quay.io", "", true, true, {}},
                                  {"QUAY.io:443", "b.test", false, false, {}}};
  EXPECT_EQ(placesOf(rules, "quay.io/a"), Places{"b.test/a"});
}

TEST(RegistryRules, WildcardsAreForHostsBelow) {
  std::vector<RegistryRule> rules{{"*.example.com", "", false, true, {}},
                                  {"*.moved.test:5000/a", "b.test/c", false, false, {}}};
  for (const char* name : {"x.example.com/a", "x.y.example.com/a", "X.Example.com:443/a"})
    EXPECT_FALSE(sourcesOf(rules, name)) << name;
  for (const char* name : {"example.com/a", "notexample.com/a", "x.example.com.evil.test/a",
                           "x.example.com:5000/a", "evil.test/x.example.com/a"}) {
    EXPECT_TRUE(sourcesOf(rules, name)) << name;
  }
  EXPECT_EQ(placesOf(rules, "x.moved.test:5000/a/img"), Places{"b.test/c/img"});
  EXPECT_EQ(placesOf(rules, "x.moved.test:5000/ab/img"), Places{"x.moved.test:5000/ab/img"});
  EXPECT_FALSE(sourcesOf({{"*.test", "", true, false, {}}}, "any.test/x")->at(0).listed)
      << "a name that only a stranger chose opens no loopback address";
}

TEST(RegistryRules, MirrorsComeFirst) {
  std::vector<RegistryRule> rules{
      {"quay.io/team", "origin.test/t", true, false, {{"m1.test:5000"}, {"m2.test/sub", true}}}};
  EXPECT_EQ(placesOf(rules, "quay.io/team/app:1"),
            (Places{"m1.test:5000/app", "m2.test/sub/app", "origin.test/t/app"}));
  auto sources = *sourcesOf(rules, "quay.io/team/app:1");
  EXPECT_TRUE(sources[0].mirror && sources[0].listed && !sources[0].insecure);
  EXPECT_TRUE(sources[1].insecure && !sources[2].mirror && sources[2].insecure);
}

TEST(RegistryRules, MirrorsServeTagsOrDigestsAsConfigured) {
  std::vector<RegistryRule> rules{
      {"a.test",
       "",
       false,
       false,
       {{"d.test", false, PullFrom::digestOnly}, {"t.test", false, PullFrom::tagOnly}}}};
  EXPECT_EQ(placesOf(rules, "a.test/x:1"), (Places{"t.test/x", "a.test/x"}));
  EXPECT_EQ(placesOf(rules, "a.test/x" + digest), (Places{"d.test/x", "a.test/x"}));
  EXPECT_EQ(placesOf(rules, "a.test/x:1" + digest), (Places{"d.test/x", "a.test/x"}));
}

TEST(RegistryRules, ABlockedRegistryMayHaveMirrors) {
  std::vector<RegistryRule> rules{{"a.test", "", false, true, {{"m.test", false, PullFrom::digestOnly}}},
                                  {"b.test", "", false, false, {{"a.test/x"}, {"m.test"}}}};
  EXPECT_EQ(placesOf(rules, "a.test/x" + digest), Places{"m.test/x"});
  EXPECT_EQ(sourcesOf(rules, "a.test/x:1").error().code, Code::permissionDenied);
  EXPECT_EQ(placesOf(rules, "b.test/y"), (Places{"m.test/y", "b.test/y"})) << "a mirror at a blocked place";
}

TEST(RegistryRules, PlacesAreWholeHosts) {
  std::vector<RegistryRule> rules{{"a.test", "", true, false, {{"m.test:5000"}, {"n.test/part"}}},
                                  {"b.test/part", "", false, false, {}},
                                  {"*.c.test", "", false, false, {}},
                                  {"d.test", "", false, true, {}}};
  std::vector<std::string> hosts;
  auto places = RegistryRules(rules).places();
  for (const Place& place : places) hosts.push_back(place.host);
  EXPECT_EQ(hosts, (Places{"a.test", "m.test:5000"}));
}

}  // namespace
}  // namespace bulkhead::planner
