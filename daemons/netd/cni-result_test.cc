#include "daemons/netd/cni-result.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bulkhead::netd {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class RefusedResult : public ::testing::TestWithParam<std::string> {};

TEST_P(RefusedResult, IsUnavailableAndNamesThePlugin) {
  auto parsed = parseCniResult(GetParam(), "bridge");
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code, Code::unavailable);
  EXPECT_THAT(parsed.error().reason, HasSubstr("bridge"));
}

INSTANTIATE_TEST_SUITE_P(Bad, RefusedResult,
                         ::testing::Values("", "null", "{", "[]", R"({"ips":7})", R"({"ips":[7]})",
                                           R"({"ips":[{}]})", R"({"ips":[{"address":"10.0.0.300/8"}]})",
                                           R"({"ips":[{"address":"10.0.0.1; rm"}]})",
                                           R"({"ips":[{"address":"fe80::1%eth0/64"}]})",
                                           std::string(1000, '{')));

TEST(CniResult, GivesAddressesWithoutPrefixInOrder) {
  auto parsed = parseCniResult(R"({"ips":[{"address":"10.1.2.3/16"},{"address":"fd00::5/64"}]})", "bridge");
  ASSERT_TRUE(parsed);
  EXPECT_THAT(parsed->addresses, ElementsAre("10.1.2.3", "fd00::5"));
}

TEST(CniResult, MayHaveNoAddress) {
  auto parsed = parseCniResult(R"({"cniVersion":"1.0.0"})", "dummy");
  ASSERT_TRUE(parsed);
  EXPECT_THAT(parsed->addresses, IsEmpty());
}

TEST(PluginFailure, PrefersTheErrorResult) {
  Refusal refusal =
      pluginFailure("bridge", 1, R"({"code":11,"msg":"no addresses","details":"range full"})", "noise");
  EXPECT_EQ(refusal.code, Code::unavailable);
  EXPECT_EQ(refusal.reason, "CNI plugin bridge failed: no addresses: range full; it wrote: noise");
}

TEST(PluginFailure, FallsBackToStderrThenToTheStatus) {
  EXPECT_EQ(pluginFailure("x", 1, "not json", " oops\n").reason, "CNI plugin x failed; it wrote: oops");
  EXPECT_EQ(pluginFailure("x", 137, "", "").reason, "CNI plugin x failed with status 137");
}

TEST(PluginFailure, IsPrintableAndBounded) {
  std::string reason = pluginFailure("x", 1, "", std::string(100000, 'y') + "\x1b[31m\xff\xfe").reason;
  EXPECT_LT(reason.size(), 1000U);
  EXPECT_THAT(reason, Not(HasSubstr("\x1b")));
  EXPECT_THAT(reason, Not(HasSubstr("\xff")));
  EXPECT_THAT(pluginFailure("x", 1, "", std::string(100000, 'y') + "the end").reason, HasSubstr("ythe end"));
}

}  // namespace
}  // namespace bulkhead::netd
