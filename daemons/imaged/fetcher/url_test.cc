#include "daemons/imaged/fetcher/url.h"

#include <gtest/gtest.h>

namespace bulkhead::fetcher {
namespace {

TEST(Url, RefusesWhatIsNoPlainWebAddress) {
  for (const char* bad : {"", "/path", "file:///etc/passwd", "ftp://h/x", "unix:/x", "https://",
                          "https://u:p@h/x", "https://h:99999/", "https://h /", "http:\\\\h", "gopher://h"}) {
    EXPECT_FALSE(Url::parse(bad)) << bad;
  }
  EXPECT_FALSE(Url::parse("https://h/" + std::string(20000, 'a')));
}

TEST(Url, ComparesOriginsWithDefaultPorts) {
  auto registry = Url::parse("https://Registry.Example:443/v2/x").value();
  EXPECT_TRUE(registry.sameOrigin(Url::parse("https://registry.example/other").value()));
  EXPECT_FALSE(registry.sameOrigin(Url::parse("http://registry.example/v2/x").value()));
  EXPECT_FALSE(registry.sameOrigin(Url::parse("https://registry.example:444/").value()));
  EXPECT_FALSE(registry.sameOrigin(Url::parse("https://registry.example.evil/").value()));
  EXPECT_TRUE(registry.samePlace(Url::parse("http://registry.example:443/").value()));
  EXPECT_FALSE(registry.samePlace(Url::parse("https://registry.example:5000/").value()));
  EXPECT_FALSE(registry.samePlace(Url::parse("http://registry.example/").value()));
}

TEST(Url, KnowsItsPlace) {
  EXPECT_TRUE(Url::parse("https://h/x")->isAt("H"));
  EXPECT_TRUE(Url::parse("https://h/x")->isAt("h:443"));
  EXPECT_TRUE(Url::parse("http://[::1]:5000/x")->isAt("[::1]:5000"));
  EXPECT_FALSE(Url::parse("http://h/x")->isAt("h:443"));
  EXPECT_FALSE(Url::parse("https://h:5000/x")->isAt("h"));
}

TEST(Url, FollowsLocations) {
  auto from = Url::parse("https://h/v2/a/blobs/x?y=1").value();
  EXPECT_EQ(from.follow("/other#part")->text(), "https://h/other");
  EXPECT_EQ(from.follow("//cdn/x")->host(), "cdn");
  EXPECT_FALSE(from.follow("file:///etc/shadow"));
  EXPECT_FALSE(from.follow("https://user:secret@h/"));
  EXPECT_FALSE(from.follow(""));
}

TEST(Url, EscapesQueries) {
  auto realm = Url::parse("https://auth/token?a=b").value();
  auto far = realm;
  for (int i = 0; i < 3; ++i) far = far.withQuery("scope", std::string(10000, '/'));
  EXPECT_GT(far.text().size(), 90000U) << "long is no error here: who adds it bounds it";
  EXPECT_EQ(realm.withQuery("scope", "a b/c&x=1").text(), "https://auth/token?a=b&scope=a+b%2fc%26x%3d1");
}

}  // namespace
}  // namespace bulkhead::fetcher
