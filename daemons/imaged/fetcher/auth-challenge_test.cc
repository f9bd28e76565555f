#include "daemons/imaged/fetcher/auth-challenge.h"

#include <gtest/gtest.h>

namespace bulkhead::fetcher {
namespace {

TEST(AuthChallenge, SurvivesNonsense) {
  for (const char* bad : {"", ",,, ,", "=", "\"", "realm=\"x\"", "Bearer realm=\"never ends",
                          "Bearer realm=\"x\\", "\x01\x02"}) {
    for (const Challenge& challenge : parseChallenges(bad)) EXPECT_TRUE(challenge.parameters.empty()) << bad;
  }
}

TEST(AuthChallenge, ReadsTheTokenProtocol) {
  auto all = parseChallenges(
      R"(Bearer realm="https://auth.example.com/token",service="registry, example",scope="repository:a/b:pull,push")");
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].scheme, "bearer");
  EXPECT_EQ(all[0].parameters["realm"], "https://auth.example.com/token");
  EXPECT_EQ(all[0].parameters["service"], "registry, example");
  EXPECT_EQ(all[0].parameters["scope"], "repository:a/b:pull,push");
}

TEST(AuthChallenge, ReadsSeveralAndUnquotes) {
  auto all = parseChallenges(R"(Negotiate, BASIC Realm = "a \"b\" c" , bearer realm=plain,  error=invalid)");
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].scheme, "negotiate");
  EXPECT_EQ(all[1].scheme, "basic");
  EXPECT_EQ(all[1].parameters["realm"], "a \"b\" c");
  EXPECT_EQ(all[2].parameters["realm"], "plain");
  EXPECT_EQ(all[2].parameters["error"], "invalid");
}

TEST(AuthChallenge, TakesTheFirstOfARepeatedParameter) {
  auto all = parseChallenges(R"(Bearer realm="https://one", realm="https://two")");
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].parameters["realm"], "https://one");
}

}  // namespace
}  // namespace bulkhead::fetcher
