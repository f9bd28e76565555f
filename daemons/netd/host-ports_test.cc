#include "daemons/netd/host-ports.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bulkhead::netd {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

PodNetwork holder(std::vector<PortMapping> mappings) {
  return {PodId::parse(std::string(64, 'a'), "").value(), "web", "shop", "uid-1", std::move(mappings)};
}

bool collide(const PortMapping& one, const PortMapping& other) {
  bool there = !checkFree({one}, holder({other}));
  EXPECT_EQ(there, !checkFree({other}, holder({one}))) << "whoever is first";
  return there;
}

TEST(HostPorts, CollideOnTheSameProtocolNumberAndAddress) {
  EXPECT_TRUE(collide({"tcp", 80, 8080, ""}, {"tcp", 81, 8080, ""}));
  EXPECT_TRUE(collide({"tcp", 80, 8080, ""}, {"tcp", 80, 8080, "10.0.0.1"}));
  EXPECT_TRUE(collide({"tcp", 80, 8080, ""}, {"tcp", 80, 8080, "fd00::1"}));
  EXPECT_TRUE(collide({"sctp", 80, 8080, "0.0.0.0"}, {"sctp", 80, 8080, "10.0.0.1"}));
  EXPECT_TRUE(collide({"tcp", 80, 8080, "::"}, {"tcp", 80, 8080, "fd00::1"}));
  EXPECT_TRUE(collide({"tcp", 80, 8080, "10.0.0.1"}, {"tcp", 80, 8080, "10.0.0.1"}));
  EXPECT_FALSE(collide({"tcp", 80, 8080, "10.0.0.1"}, {"tcp", 80, 8080, "10.0.0.2"}));
  EXPECT_FALSE(collide({"tcp", 80, 8080, "0.0.0.0"}, {"tcp", 80, 8080, "::"}));
  EXPECT_FALSE(collide({"tcp", 80, 8080, ""}, {"udp", 80, 8080, ""}));
  EXPECT_FALSE(collide({"tcp", 80, 8080, ""}, {"tcp", 80, 8081, ""}));
}

TEST(HostPorts, AreRefusedWithTheNameOfWhoHasThem) {
  auto refused = checkFree({{"tcp", 80, 8080, ""}}, holder({{"tcp", 80, 8080, ""}}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::failedPrecondition);
  EXPECT_EQ(bulkhead::describe(refused.error()),
            "portMappings.hostPort: tcp port 8080 is taken by pod shop/web");
}

TEST(HostPorts, OfOnePodAreSaidOnceOrAgree) {
  EXPECT_THAT(*withoutRepetition({{"tcp", 80, 8080, ""}, {"tcp", 80, 8080, ""}, {"udp", 80, 8080, ""}}),
              SizeIs(2));
  EXPECT_FALSE(withoutRepetition({{"tcp", 80, 8080, ""}, {"tcp", 81, 8080, ""}}));
  EXPECT_TRUE(withoutRepetition({{"tcp", 80, 8080, "10.0.0.1"}, {"tcp", 81, 8080, "10.0.0.2"}}));
}

TEST(HostPorts, NeedAPluginThatAsksForThem) {
  auto with = parseConflist(
      R"({"cniVersion":"1.0.0","name":"n","plugins":[{"type":"portmap","capabilities":{"portMappings":true}}]})",
      "f");
  auto without = parseConflist(R"({"cniVersion":"1.0.0","name":"n","plugins":[{"type":"portmap"}]})", "f");
  EXPECT_TRUE(checkServed(*with, {{"tcp", 80, 8080, ""}}));
  EXPECT_TRUE(checkServed(*without, {}));
  auto refused = checkServed(*without, {{"tcp", 80, 8080, ""}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::failedPrecondition);
  EXPECT_THAT(refused.error().reason, HasSubstr("no plugin of network n has the capability portMappings"));
}

TEST(HostPorts, AreOfAFamilyThatThePodHas) {
  EXPECT_TRUE(checkFamilies({{"tcp", 80, 8080, ""}}, {}));
  EXPECT_TRUE(checkFamilies({{"tcp", 80, 8080, "::1"}}, {"10.0.0.1", "fd00::1"}));
  EXPECT_FALSE(checkFamilies({{"tcp", 80, 8080, "::"}}, {"10.0.0.1"}));
  EXPECT_FALSE(checkFamilies({{"tcp", 80, 8080, "127.0.0.1"}}, {"fd00::1"}));
}

}  // namespace
}  // namespace bulkhead::netd
