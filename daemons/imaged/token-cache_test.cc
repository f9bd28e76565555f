#include "daemons/imaged/token-cache.h"

#include <capnp/message.h>
#include <gtest/gtest.h>
#include <kj/async.h>

namespace bulkhead::imaged {
namespace {

class TokenCacheTest : public ::testing::Test {
 protected:
  ~TokenCacheTest() noexcept override {}  // NOLINT(modernize-use-equals-default)

  TokenCache::Key keyOf(const char* host, const char* repository, const char* user, const char* password) {
    capnp::MallocMessageBuilder sources, auths, files;
    auto source = sources.initRoot<schema::Source>();
    source.setHost(host);
    source.setRepository(repository);
    auto auth = auths.initRoot<schema::Auth>();
    auth.setUsername(user);
    auth.setPassword(password);
    return cache_.keyOf(source.asReader(), auth.asReader(), files.initRoot<schema::Auth>().asReader());
  }

  kj::EventLoop loop_;
  kj::WaitScope wait_{loop_};
  kj::TimerImpl timer_{kj::origin<kj::TimePoint>()};
  TokenCache cache_{timer_};
};

TEST_F(TokenCacheTest, GivesATokenToItsCredentialAndPlaceAlone) {
  cache_.keep(keyOf("a.test", "x", "u", "p"), "TOKEN", 60);
  EXPECT_EQ(cache_.find(keyOf("a.test", "x", "u", "p")), "TOKEN");
  EXPECT_EQ(cache_.find(keyOf("a.test", "y", "u", "p")), "");
  EXPECT_EQ(cache_.find(keyOf("b.test", "x", "u", "p")), "");
  EXPECT_EQ(cache_.find(keyOf("a.test", "x", "u", "q")), "");
  EXPECT_EQ(cache_.find(keyOf("a.test", "x", "up", "")), "") << "texts do not run together";
}

TEST_F(TokenCacheTest, ForgetsBeforeItExpires) {
  auto key = keyOf("a.test", "x", "u", "p");
  cache_.keep(key, "TOKEN", 60);
  timer_.advanceTo(kj::origin<kj::TimePoint>() + 49 * kj::SECONDS);
  EXPECT_EQ(cache_.find(key), "TOKEN");
  timer_.advanceTo(kj::origin<kj::TimePoint>() + 50 * kj::SECONDS);
  EXPECT_EQ(cache_.find(key), "");
  cache_.keep(key, "TOKEN", 4000000000);
  timer_.advanceTo(kj::origin<kj::TimePoint>() + 3700 * kj::SECONDS);
  EXPECT_EQ(cache_.find(key), "") << "an hour is the most";
  cache_.keep(key, "TOKEN", 10);
  EXPECT_EQ(cache_.find(key), "");
}

TEST_F(TokenCacheTest, TakesOnlyWhatIsAToken) {
  auto key = keyOf("a.test", "x", "u", "p");
  for (const std::string& bad :
       {std::string(), std::string("a\r\nX: y"), std::string("a b"), std::string(20000, 'a')}) {
    cache_.keep(key, bad, 600);
    EXPECT_EQ(cache_.find(key), "") << bad.substr(0, 20);
  }
}

TEST_F(TokenCacheTest, IsBounded) {
  int left = 0;
  for (int i = 0; i < 1000; ++i) cache_.keep(keyOf("a.test", std::to_string(i).c_str(), "", ""), "T", 600);
  for (int i = 0; i < 1000; ++i)
    left += cache_.find(keyOf("a.test", std::to_string(i).c_str(), "", "")).empty() ? 0 : 1;
  EXPECT_EQ(left, 256);
}

}  // namespace
}  // namespace bulkhead::imaged
