#include "daemons/imaged/fetcher/credentials.h"

#include <gtest/gtest.h>

namespace bulkhead::fetcher {
namespace {

TEST(Credentials, RefusesWhatCouldBreakAHeader) {
  EXPECT_EQ(credentialsFrom({"user", "pass\r\nX: y"}).error().field, "auth");
  EXPECT_EQ(credentialsFrom({.registryToken = "abc\n"}).error().field, "auth");
  EXPECT_EQ(credentialsFrom({"us:er", "pass"}).error().field, "auth.username");
  EXPECT_EQ(credentialsFrom({.auth = "not base64!"}).error().field, "auth.auth");
  EXPECT_EQ(credentialsFrom({.auth = "bm9jb2xvbg=="}).error().field, "auth.auth");
}

TEST(Credentials, NeverQuotesTheSecret) {
  EXPECT_EQ(describe(credentialsFrom({"us:er", "S3CRET"}).error()).find("S3CRET"), std::string::npos);
}

TEST(Credentials, DecodesTheAuthText) {
  auto credentials = credentialsFrom({.auth = "dXNlcjpwYTpzcw=="});
  ASSERT_TRUE(credentials);
  EXPECT_EQ(credentials->username, "user");
  EXPECT_EQ(credentials->password, "pa:ss");
  EXPECT_EQ(basicAuthorization(*credentials), "Basic dXNlcjpwYTpzcw==");
  EXPECT_TRUE(credentialsFrom({})->empty());
}

TEST(Credentials, AreForOneServer) {
  EXPECT_TRUE(isMeantFor("", "example.com", "example.com", false));
  EXPECT_TRUE(isMeantFor("https://Example.com/v2/", "example.com", "example.com", true));
  EXPECT_TRUE(isMeantFor("https://index.docker.io/v1/", "docker.io", "registry-1.docker.io", false));
  EXPECT_FALSE(isMeantFor("https://index.docker.io/v1/", "example.com", "example.com", false));
  EXPECT_FALSE(isMeantFor("example.com:5000", "example.com", "example.com", false));
}

TEST(Credentials, DoNotFollowAnImageToAMirror) {
  EXPECT_FALSE(isMeantFor("", "example.com", "mirror.local", false));
  EXPECT_FALSE(isMeantFor("https://example.com/v2/", "example.com", "mirror.local", false));
  EXPECT_TRUE(isMeantFor("mirror.local:5000", "example.com", "mirror.local:5000", false));
  EXPECT_FALSE(isMeantFor("mirror.local:5000", "example.com", "mirror.local:5000", true));
}

}  // namespace
}  // namespace bulkhead::fetcher
