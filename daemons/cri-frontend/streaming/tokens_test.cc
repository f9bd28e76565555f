#include "daemons/cri-frontend/streaming/tokens.h"

#include <gtest/gtest.h>

#include <set>

namespace bulkhead::streaming {
namespace {

const kj::TimePoint start = kj::origin<kj::TimePoint>() + 1 * kj::HOURS;

TEST(Tokens, AreGoodOnce) {
  Tokens<int> tokens;
  auto token = tokens.give(7, start);
  ASSERT_TRUE(token);
  EXPECT_EQ(token->size(), 64U);
  EXPECT_FALSE(tokens.take("", start));
  EXPECT_FALSE(tokens.take(token->substr(1), start));
  EXPECT_FALSE(tokens.take(std::string(64, '0'), start));
  EXPECT_EQ(tokens.take(*token, start), 7);
  EXPECT_FALSE(tokens.take(*token, start));
}

TEST(Tokens, AreGoodForAMinute) {
  Tokens<int> tokens;
  auto first = tokens.give(1, start), second = tokens.give(2, start + 30 * kj::SECONDS);
  EXPECT_FALSE(tokens.take(*first, start + 60 * kj::SECONDS));
  EXPECT_EQ(tokens.take(*second, start + 89 * kj::SECONDS), 2);
}

TEST(Tokens, AreNotEndlesslyMany) {
  Tokens<int> tokens;
  std::set<std::string> all;
  for (size_t i = 0; i < limits::tokens; ++i) all.insert(tokens.give(1, start).value());
  EXPECT_EQ(all.size(), limits::tokens);
  EXPECT_FALSE(tokens.give(1, start));
  EXPECT_TRUE(tokens.give(1, start + limits::tokenLife));
  EXPECT_EQ(tokens.count(), 1U);
}

}  // namespace
}  // namespace bulkhead::streaming
