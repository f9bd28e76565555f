#include "daemons/common/base/image-ref.h"

#include <gtest/gtest.h>

namespace bulkhead {
namespace {

const std::string digest = "sha256:" + std::string(64, 'b');

struct Spelling {
  const char* text;
  std::string host, repository, tag;
};

TEST(ImageReference, NormalisesEverySpelling) {
  const Spelling spellings[] = {
      {"busybox", "docker.io", "library/busybox", "latest"},
      {"busybox:1.36", "docker.io", "library/busybox", "1.36"},
      {"user/app", "docker.io", "user/app", "latest"},
      {"localhost/app", "localhost", "app", "latest"},
      {"127.0.0.1:5000/busybox:v1", "127.0.0.1:5000", "busybox", "v1"},
      {"registry.example/a/b__c/d-e.f:Tag_1", "registry.example", "a/b__c/d-e.f", "Tag_1"},
      {"[::1]:5000/x", "[::1]:5000", "x", "latest"},
  };
  for (const Spelling& s : spellings) {
    auto ref = ImageReference::parse(s.text, "image");
    ASSERT_TRUE(ref) << s.text;
    EXPECT_EQ(ref->host(), s.host);
    EXPECT_EQ(ref->repository(), s.repository);
    EXPECT_EQ(ref->tag(), s.tag);
  }
}

TEST(ImageReference, KeepsTagAndDigest) {
  auto both = ImageReference::parse("a.b/c:t@" + digest, "image");
  ASSERT_TRUE(both);
  EXPECT_EQ(both->text(), "a.b/c:t@" + digest);
  auto only = ImageReference::parse("a.b/c@" + digest, "image");
  ASSERT_TRUE(only);
  EXPECT_EQ(only->tagged(), "");
  EXPECT_EQ(only->text(), "a.b/c@" + digest);
}

TEST(ImageReference, RefusesAndNamesTheField) {
  for (const std::string& bad : {std::string(),
                                 std::string("UPPER/case"),
                                 std::string("a//b"),
                                 std::string("a/../b"),
                                 std::string("/etc/passwd"),
                                 std::string("/tmp/x.tar"),
                                 std::string("a:"),
                                 std::string("a:-t"),
                                 std::string("host:99999/x"),
                                 std::string("a b"),
                                 std::string("a\n"),
                                 std::string("a@sha256:12"),
                                 "a@" + digest + "@" + digest,
                                 std::string("ex_ample.com/x"),
                                 std::string("[zz]/x"),
                                 std::string("[::1"),
                                 std::string("[]/x"),
                                 std::string("[:]/x"),
                                 std::string("[::1]x/y"),
                                 std::string("[::1]:/y"),
                                 std::string("[::1]:0/y"),
                                 std::string("[::1%eth0]/y"),
                                 std::string("[::127.0.0.1]/y"),
                                 std::string("example.com/../other/image"),
                                 std::string("example.com/%2e%2e/other/image"),
                                 std::string("example.com/a%2fb"),
                                 std::string("example.com/a?x=y"),
                                 std::string("example.com/a#b"),
                                 std::string("example.com\\@evil.test/a"),
                                 std::string("user@evil.test/a"),
                                 std::string("user:pw@evil.test/a"),
                                 std::string("example.com:5000:5000/a"),
                                 std::string("example.com/a:t:t"),
                                 std::string("example.com./a"),
                                 std::string("a.test/b\0c", 10),
                                 std::string("\xc3\xa4.test/b"),
                                 "a.test/" + std::string(256, 'a'),
                                 std::string("[::..]/x"),
                                 std::string("[::1\0]/x", 8),
                                 std::string("a/"),
                                 std::string("-a"),
                                 std::string("a.-b"),
                                 std::string(2000, 'a'),
                                 std::string(1010, 'a'),
                                 "a:" + std::string(129, 't'),
                                 std::string("http://a.b/c")}) {
    auto ref = ImageReference::parse(bad, "image.image");
    ASSERT_FALSE(ref) << bad;
    EXPECT_EQ(ref.error().field, "image.image");
  }
}

}  // namespace
}  // namespace bulkhead
