#include "daemons/netd/conflist.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bulkhead::netd {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string listOf(const std::string& plugins) {
  return R"({"cniVersion":"1.0.0","name":"net","plugins":)" + plugins + "}";
}

class RefusedConflist : public ::testing::TestWithParam<std::pair<std::string, std::string>> {};

TEST_P(RefusedConflist, NamesTheFileAndTheReason) {
  auto parsed = parseConflist(GetParam().first, "10-net.conflist");
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code, Code::invalidArgument);
  EXPECT_EQ(parsed.error().field, "10-net.conflist");
  EXPECT_THAT(parsed.error().reason, HasSubstr(GetParam().second));
}

INSTANTIATE_TEST_SUITE_P(
    Bad, RefusedConflist,
    ::testing::Values(std::pair{"", "not valid JSON"}, std::pair{"{", "not valid JSON"},
                      std::pair{"[]", "not a JSON object"}, std::pair{std::string(100, '['), "nested"},
                      std::pair{"{\"a\":\"\xff\"}", "not valid JSON"},
                      std::pair{R"({"cniVersion":"1.0.0","type":"bridge"})", "name"},
                      std::pair{R"({"cniVersion":"1.0.0","name":"../x","type":"bridge"})", "name"},
                      std::pair{R"({"name":"net","type":"bridge"})", "cniVersion"},
                      std::pair{R"({"cniVersion":"0.2.0","name":"net","type":"bridge"})", "cniVersion"},
                      std::pair{R"({"cniVersion":"2.0.0","name":"net","type":"bridge"})", "cniVersion"},
                      std::pair{R"({"cniVersion":"1.0.0","name":"net"})", "type"},
                      std::pair{listOf("[]"), "at least one"}, std::pair{listOf("{}"), "at least one"},
                      std::pair{listOf("[1]"), "not a JSON object"}, std::pair{listOf("[{}]"), "type"},
                      std::pair{listOf(R"([{"type":"../../canary"}])"), "type"},
                      std::pair{listOf(R"([{"type":"/bin/sh"}])"), "type"},
                      std::pair{listOf(R"([{"type":"bridge","ipam":{"type":"../canary"}}])"), "ipam.type"},
                      std::pair{listOf(R"([{"type":"bridge","ipam":7}])"), "ipam"}));

TEST(Conflist, WrapsASinglePlugin) {
  auto parsed = parseConflist(R"({"cniVersion":"0.4.0","name":"net","type":"bridge","mtu":1400})", "f");
  ASSERT_TRUE(parsed);
  ASSERT_EQ(parsed->plugins.size(), 1U);
  EXPECT_EQ(parsed->plugins[0].type, "bridge");
  EXPECT_EQ(parsed->plugins[0].config["mtu"], 1400);
}

TEST(Conflist, ListsEveryExecutable) {
  auto parsed =
      parseConflist(listOf(R"([{"type":"bridge","ipam":{"type":"host-local"}},{"type":"portmap"}])"), "f");
  ASSERT_TRUE(parsed);
  EXPECT_THAT(parsed->executables(), ElementsAre("bridge", "host-local", "portmap"));
}

TEST(Conflist, TakesTheHighestKnownVersion) {
  auto parsed = parseConflist(
      R"({"cniVersion":"0.4.0","cniVersions":["0.3.1","1.0.0","7.0.0"],"name":"n","type":"x"})", "f");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->version, "1.0.0");
}

TEST(Conflist, KnowsWhatItsVersionHas) {
  auto of = [](const std::string& version) {
    return *parseConflist(R"({"cniVersion":")" + version + R"(","name":"n","type":"x"})", "f");
  };
  EXPECT_FALSE(of("0.3.1").speaks("0.4.0"));
  EXPECT_TRUE(of("0.4.0").speaks("0.4.0"));
  EXPECT_FALSE(of("1.0.0").speaks("1.1.0"));
  EXPECT_TRUE(of("1.1.0").speaks("1.1.0"));
}

TEST(Conflist, KnowsWhatRootSwitchedOff) {
  auto parsed = parseConflist(
      R"({"cniVersion":"1.1.0","disableCheck":true,"disableGC":"true","name":"n","type":"x"})", "f");
  ASSERT_TRUE(parsed);
  auto again = parseConflist(parsed->document().dump(), "record");
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->disableCheck && again->disableGc);
  auto plain = parseConflist(R"({"cniVersion":"1.1.0","disableGC":false,"name":"n","type":"x"})", "f");
  EXPECT_FALSE(plain->disableCheck || plain->disableGc);
}

TEST(Conflist, IsReadAgainAsItWasWritten) {
  std::string text = listOf(R"([{"type":"portmap","capabilities":{"portMappings":true}}])");
  auto parsed = parseConflist(text, "f");
  ASSERT_TRUE(parsed);
  auto again = parseConflist(parsed->document().dump(), "record");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->document(), parsed->document());
  EXPECT_TRUE(again->plugins[0].declares("portMappings"));
}

}  // namespace
}  // namespace bulkhead::netd
