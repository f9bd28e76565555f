#include "daemons/imaged/planner/auth-file.h"

#include <gtest/gtest.h>

namespace bulkhead::planner {
namespace {

std::string authFor(const std::string& text, const std::string& place) {
  auto entry = AuthFile::parse("auth.json", text).value().entryFor(place);
  return entry ? entry->auth + entry->identityToken : "-";
}

// containers-auth.json(5), "FORMAT".
TEST(AuthFile, TakesTheLongestKeyByWholeComponents) {
  const std::string text =
      R"({"auths": {"r.test:5000/ns/user/image": {"auth": "1"}, "r.test:5000/ns": {"auth": "2"},
    "r.test:5000": {"auth": "3"}, "other.test": {"identitytoken": "4"}}})";
  EXPECT_EQ(authFor(text, "r.test:5000/ns/user/image"), "1");
  EXPECT_EQ(authFor(text, "r.test:5000/ns/user"), "2");
  EXPECT_EQ(authFor(text, "r.test:5000/nsx/user"), "3");
  EXPECT_EQ(authFor(text, "R.test:5000/x"), "3");
  EXPECT_EQ(authFor(text, "other.test/x"), "4");
  EXPECT_EQ(authFor(text, "r.test/ns"), "-");
  EXPECT_EQ(authFor(text, "test:5000/ns"), "-");
}

TEST(AuthFile, ReadsWhatDockerLoginWrites) {
  const std::string text = R"({"auths": {"https://index.docker.io/v1/": {"auth": "hub"},
    "https://r.test/v2/": {"auth": "url"}, "r.test/own": {"auth": "own"}}})";
  for (const char* hub : {"docker.io/library/busybox", "registry-1.docker.io/a", "index.docker.io/a"})
    EXPECT_EQ(authFor(text, hub), "hub") << hub;
  EXPECT_EQ(authFor(text, "r.test/own/x"), "own");
  EXPECT_EQ(authFor(text, "r.test/else"), "url");
}

TEST(AuthFile, IsEmptyWithoutEntries) {
  for (const char* text : {"{}", R"({"auths":null})", R"({"auths":{"a.test":{}}})",
                           R"({"credsStore":"x","credHelpers":{"a.test":"y"},"auths":{}})",
                           R"({"auths":{"a.test":{"auth":7}}})"}) {
    EXPECT_EQ(authFor(text, "a.test/x"), "-") << text;
  }
}

TEST(AuthFile, RefusesWithoutRepeatingTheText) {
  for (const std::string& bad :
       {std::string("S3CRET"), std::string("[]"), std::string(R"({"auths":["S3CRET"]})"),
        std::string(R"({"auths":{"a.test":"S3CRET"}})"), std::string(100000, '['),
        std::string("{\"auths\":{\"a\":{\"auth\":\"S3CRET")}) {
    auto file = AuthFile::parse("auth.json", bad);
    ASSERT_FALSE(file) << bad.substr(0, 50);
    EXPECT_EQ(file.error().reason.find("S3CRET"), std::string::npos);
    EXPECT_NE(file.error().reason.find("auth.json"), std::string::npos);
  }
}

}  // namespace
}  // namespace bulkhead::planner
