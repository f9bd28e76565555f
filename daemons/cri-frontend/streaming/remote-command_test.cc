#include "daemons/cri-frontend/streaming/remote-command.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace bulkhead::streaming {
namespace {

using nlohmann::json;

std::optional<Protocol> choose(Transport transport, std::vector<std::string> names) {
  return chooseProtocol({"/", transport, std::move(names), ""});
}

TEST(RemoteCommand, TakesTheFirstProtocolThatItKnows) {
  auto spdy = choose(Transport::spdy, {"v9.channel.k8s.io", "v3.channel.k8s.io", "v4.channel.k8s.io"});
  ASSERT_TRUE(spdy);
  EXPECT_EQ(spdy->version, 3);
  EXPECT_FALSE(choose(Transport::spdy, {}));
  EXPECT_FALSE(choose(Transport::spdy, {"v4.base64.channel.k8s.io"}));
  EXPECT_FALSE(choose(Transport::webSocket, {"v3.channel.k8s.io", "chat"}));
  EXPECT_EQ(choose(Transport::webSocket, {})->version, 1);
  EXPECT_EQ(choose(Transport::webSocket, {"v5.channel.k8s.io"})->version, 5);
  EXPECT_TRUE(choose(Transport::webSocket, {"v4.base64.channel.k8s.io"})->base64);
}

TEST(RemoteCommand, KnowsStreamsByTheirType) {
  EXPECT_EQ(roleOf({{"x", "y"}, {"streamtype", "stdin"}}), Role::in);
  EXPECT_EQ(roleOf({{"streamtype", "resize"}}), Role::resize);
  EXPECT_FALSE(roleOf({{"streamtype", "other"}}));
  EXPECT_FALSE(roleOf({}));
  Wanted all{true, true, false, true};
  EXPECT_TRUE(isWanted(Role::resize, all, {"", 3, false}));
  EXPECT_FALSE(isWanted(Role::resize, all, {"", 2, false}));
  EXPECT_FALSE(isWanted(Role::err, all, {"", 4, false}));
}

TEST(RemoteCommand, SaysExitCodesAsClientGoReadsThem) {
  Protocol four{"v4.channel.k8s.io", 4, false}, two{"v2.channel.k8s.io", 2, false};
  EXPECT_EQ(json::parse(exitText(0, four))["status"], "Success");
  json status = json::parse(exitText(137, four));
  EXPECT_EQ(status["status"], "Failure");
  EXPECT_EQ(status["reason"], "NonZeroExitCode");
  EXPECT_EQ(status["details"]["causes"], json::parse(R"([{"reason":"ExitCode","message":"137"}])"));
  EXPECT_EQ(exitText(0, two), "");
  EXPECT_NE(exitText(3, two).find("exit status 3"), std::string::npos);
  json failure = json::parse(failureText("no \"such\" \xff thing", four));
  EXPECT_EQ(failure["status"], "Failure");
  EXPECT_EQ(failureText("plain", two), "plain");
}

std::string sizesOf(const std::vector<std::string>& pieces) {
  ResizeReader reader;
  std::string all;
  for (const std::string& piece : pieces) {
    reader.feed(piece, [&](Size size) {
      all += std::to_string(size.width) + "x" + std::to_string(size.height) + " ";
    });
  }
  return all;
}

TEST(RemoteCommand, ReadsSizesHoweverTheyAreCut) {
  EXPECT_EQ(sizesOf({R"({"Width":80,"Height":24})", "\n", R"({"Width":1,"Height":2}{"Wid)",
                     R"(th":0,"Height":65535})"}),
            "80x24 1x2 0x65535 ");
  EXPECT_EQ(
      sizesOf({R"({"Width":65536,"Height":24}{"Width":-1,"Height":24}{"Width":"a","Height":1}{"Height":1})"}),
      "");
  EXPECT_EQ(sizesOf({std::string(1000000, '{'), R"(}{"Width":80,"Height":24})"}), "80x24 ");
  EXPECT_EQ(sizesOf({"}}}garbage}", R"({"Width":80,"Height":24})"}), "80x24 ");
}

}  // namespace
}  // namespace bulkhead::streaming
