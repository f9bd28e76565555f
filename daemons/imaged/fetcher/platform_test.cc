#include "daemons/imaged/fetcher/platform.h"

#include <gtest/gtest.h>

namespace bulkhead::fetcher {
namespace {

std::optional<int> armDistance(const char* wanted, const char* offered) {
  return distance({"linux", "arm", wanted}, {"linux", "arm", offered});
}

TEST(Platform, RefusesForeignMachines) {
  EXPECT_FALSE(distance({"linux", "amd64", ""}, {"linux", "arm64", ""}));
  EXPECT_FALSE(distance({"linux", "amd64", ""}, {"windows", "amd64", ""}));
  EXPECT_FALSE(distance({"linux", "amd64", ""}, {"unknown", "unknown", ""}));
}

TEST(Platform, RefusesNewerVariants) {
  EXPECT_FALSE(armDistance("v6", "v7"));
  EXPECT_FALSE(armDistance("v7", "strange"));
  EXPECT_FALSE(distance({"linux", "amd64", ""}, {"linux", "amd64", "v3"}));
}

TEST(Platform, RunsOlderVariants) {
  EXPECT_EQ(armDistance("v7", "v7"), 0);
  EXPECT_EQ(armDistance("v7", ""), 0);
  EXPECT_EQ(armDistance("v7", "v6"), 1);
  EXPECT_EQ(armDistance("v7", "v5"), 2);
  EXPECT_EQ(distance({"linux", "arm64", ""}, {"linux", "arm64", "v8"}), 0);
  EXPECT_EQ(distance({"linux", "amd64", "v3"}, {"linux", "amd64", ""}), 2);
}

TEST(Platform, CompletesTheRequest) {
  EXPECT_EQ(completed({}).os, "linux");
  EXPECT_FALSE(completed({}).architecture.empty());
  EXPECT_EQ(completed({"windows", "amd64", ""}).os, "windows");
}

}  // namespace
}  // namespace bulkhead::fetcher
