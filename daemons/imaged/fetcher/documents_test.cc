#include "daemons/imaged/fetcher/documents.h"

#include <gtest/gtest.h>

namespace bulkhead::fetcher {
namespace {

std::string digestOf(char digit) {
  return "sha256:" + std::string(64, digit);
}

std::string entry(const std::string& digest, const std::string& platform) {
  return R"({"digest":")" + digest + R"(","size":7)" +
         (platform.empty() ? "" : R"(,"platform":)" + platform) + "}";
}

std::string indexOf(const std::vector<std::string>& entries) {
  std::string all;
  for (const std::string& one : entries) all += (all.empty() ? "" : ",") + one;
  return R"({"schemaVersion":2,"manifests":[)" + all + "]}";
}

const std::string amd64 = R"({"os":"linux","architecture":"amd64"})";
const std::string arm6 = R"({"os":"linux","architecture":"arm","variant":"v6"})";
const std::string arm7 = R"({"os":"linux","architecture":"arm","variant":"v7"})";
const std::string attestation = R"({"os":"unknown","architecture":"unknown"})";

TEST(Documents, RefuseWhatIsNoManifest) {
  for (const char* bad : {"", "garbage", "[]", "{}", "null", R"({"schemaVersion":1,"manifests":[]})",
                          R"({"manifests":[],"config":{},"layers":[]})", R"({"manifests":[],"layers":[]})",
                          R"({"config":{}})", R"({"manifests":{}})"}) {
    EXPECT_EQ(kindOf(bad).error().code, Code::failedPrecondition) << bad;
  }
  EXPECT_FALSE(kindOf(std::string(100000, '[')));
  EXPECT_EQ(kindOf(R"({"schemaVersion":1,"fsLayers":[]})"), DocumentKind::schema1);
}

TEST(Documents, RefuseMalformedDescriptors) {
  for (const char* bad : {R"("x")", R"({"size":1})", R"({"digest":"sha256:../../../x","size":1})",
                          R"({"digest":"sha256","size":1})", R"({"digest":"","size":1})"}) {
    EXPECT_EQ(configOf(std::string(R"({"config":)") + bad + "}").error().code, Code::invalidArgument) << bad;
  }
  EXPECT_FALSE(configOf(R"({"config":{"digest":")" + digestOf('a') + R"(","size":-1}})"));
  EXPECT_FALSE(configOf(R"({"config":{"digest":")" + digestOf('A') + R"(","size":1}})"));
  EXPECT_FALSE(chooseManifest(indexOf({entry("sha256:short", amd64)}), {"linux", "amd64", ""}));
}

TEST(Documents, RefuseAnIndexWithoutThePlatform) {
  auto none = chooseManifest(indexOf({entry(digestOf('a'), arm7), entry(digestOf('b'), attestation), "1"}),
                             {"linux", "amd64", ""});
  EXPECT_EQ(none.error().code, Code::failedPrecondition);
  EXPECT_EQ(none.error().field, "platform");
}

TEST(Documents, ChooseTheNearest) {
  std::string index = indexOf({entry(digestOf('0'), ""), entry(digestOf('a'), amd64),
                               entry(digestOf('6'), arm6), entry(digestOf('7'), arm7)});
  EXPECT_EQ(chooseManifest(index, {"linux", "amd64", ""})->digest.text(), digestOf('a'));
  EXPECT_EQ(chooseManifest(index, {"linux", "arm", "v7"})->digest.text(), digestOf('7'));
  EXPECT_EQ(chooseManifest(index, {"linux", "arm", ""})->digest.text(), digestOf('7'));
  EXPECT_EQ(chooseManifest(index, {"linux", "arm", "v6"})->digest.text(), digestOf('6'));
  EXPECT_EQ(chooseManifest(index, {"linux", "arm", "v5"})->digest.text(), digestOf('0'));
}

TEST(Documents, ReadSizes) {
  auto config = configOf(R"({"config":{"digest":")" + digestOf('c') + R"(","size":4096}})");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->size, 4096U);
}

}  // namespace
}  // namespace bulkhead::fetcher
