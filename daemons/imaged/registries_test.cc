#include "daemons/imaged/registries.h"

#include <gtest/gtest.h>

namespace bulkhead::imaged {
namespace {

Outcome<Source> sourceOf(const std::vector<RegistryRule>& rules, const char* reference) {
  return Registries(rules).sourceOf(ImageReference::parse(reference, "image").value());
}

TEST(Registries, RefuseABlockedPrefixOnly) {
  std::vector<RegistryRule> rules{{"quay.io/team", "", false, true}};
  EXPECT_EQ(sourceOf(rules, "quay.io/team/app").error().code, Code::permissionDenied);
  EXPECT_TRUE(sourceOf(rules, "quay.io/teamwork/app"));
  EXPECT_TRUE(sourceOf(rules, "quay.io/other/app"));
}

TEST(Registries, RefuseABlockedRegistryByAllItsNames) {
  std::vector<RegistryRule> rules{{"Quay.io", "", false, true}, {"docker.io/library", "", false, true}};
  for (const char* name :
       {"quay.io/a", "QUAY.io/a", "quay.io:443/a", "Quay.IO:443/a", "busybox", "docker.io/busybox",
        "index.docker.io/library/busybox", "registry-1.docker.io/library/busybox",
        "REGISTRY-1.docker.io:443/library/busybox"}) {
    auto source = sourceOf(rules, name);
    ASSERT_FALSE(source) << name;
    EXPECT_EQ(source.error().code, Code::permissionDenied) << name;
  }
  EXPECT_TRUE(sourceOf(rules, "quay.io:8443/a"));
  EXPECT_EQ(sourceOf({{"quay.io", "mirror.local/q"}}, "QUAY.io:443/a")->repository, "q/a");
}

TEST(Registries, RefuseALocationThatIsNoPlace) {
  for (const char* bad :
       {"http://mirror/", "mirror.local:5000/", "user@mirror.local", "mirror local", "/path"}) {
    EXPECT_THROW(Registries(std::vector<RegistryRule>{{"quay.io", bad}}), std::runtime_error) << bad;
  }
}

TEST(Registries, RefuseToMoveAnImageToABareHost) {
  EXPECT_EQ(sourceOf({{"quay.io/app", "mirror.local"}}, "quay.io/app").error().code,
            Code::failedPrecondition);
}

TEST(Registries, LeaveTheUnlistedAlone) {
  auto source = sourceOf({}, "example.com:5000/a/b:1");
  ASSERT_TRUE(source);
  EXPECT_EQ(source->host, "example.com:5000");
  EXPECT_EQ(source->repository, "a/b");
  EXPECT_FALSE(source->listed);
  EXPECT_FALSE(source->insecure);
}

TEST(Registries, FindDockerHub) {
  EXPECT_EQ(sourceOf({}, "busybox")->host, "registry-1.docker.io");
  EXPECT_EQ(sourceOf({}, "busybox")->repository, "library/busybox");
  EXPECT_EQ(sourceOf({{"local", "docker.io/team"}}, "local.host/x")->host, "local.host");
}

TEST(Registries, TakeTheLongestPrefix) {
  std::vector<RegistryRule> rules{{"quay.io", "mirror.local:5000/quay"}, {"quay.io/team", "", true}};
  auto moved = sourceOf(rules, "quay.io/other/app");
  EXPECT_EQ(moved->host, "mirror.local:5000");
  EXPECT_EQ(moved->repository, "quay/other/app");
  EXPECT_TRUE(moved->listed);
  auto kept = sourceOf(rules, "quay.io/team/app");
  EXPECT_EQ(kept->host, "quay.io");
  EXPECT_EQ(kept->repository, "team/app");
  EXPECT_TRUE(kept->insecure);
}

}  // namespace
}  // namespace bulkhead::imaged
