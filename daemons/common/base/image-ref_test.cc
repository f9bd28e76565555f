#include "daemons/common/base/image-ref.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

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
                                 std::string(250, 'a'),  // 258 in full
                                 "a:" + std::string(129, 't'),
                                 std::string("http://a.b/c")}) {
    auto ref = ImageReference::parse(bad, "image.image");
    ASSERT_FALSE(ref) << bad;
    EXPECT_EQ(ref.error().field, "image.image");
  }
}

// Random names of the grammar's own parts (distribution/reference, regexp.go), and the same with one byte
// changed: what is taken is spelled again as it was, and holds nothing that could lead elsewhere.
TEST(ImageReference, WhatIsTakenMeansWhatItSays) {
  std::mt19937 random(20);
  auto pick = [&random](const std::vector<std::string>& from) { return from[random() % from.size()]; };
  const std::vector<std::string> hosts{"a.test",       "localhost",  "x-1.y.test:5000",
                                       "10.0.0.1:443", "[::1]:5000", "[fd00::a]"};
  const std::vector<std::string> words{"a", "b9", "0", "library", "c.d", "e_f", "g__h", "i---j"};
  const std::vector<std::string> tags{"", ":1", ":v1.0-rc_2", ":_", ":LATEST"};
  for (int i = 0; i < 20000; ++i) {
    std::string text = pick(hosts);
    for (unsigned depth = 1 + random() % 4; depth > 0; --depth) text += "/" + pick(words);
    text += pick(tags) + (random() % 3 == 0 ? "@" + digest : "");
    auto whole = ImageReference::parse(text, "image");
    ASSERT_TRUE(whole) << text;
    EXPECT_EQ(whole->text(),
              whole->tag().ends_with("latest") && !text.ends_with("latest") ? text + ":latest" : text);

    text[random() % text.size()] = static_cast<char>(random());
    auto changed = ImageReference::parse(text, "image");
    if (!changed) continue;
    EXPECT_EQ(ImageReference::parse(changed->text(), "image").value(), *changed) << text;
    EXPECT_EQ(changed->text().find_first_of("%?#\\ \t\n"), std::string::npos) << text;
    EXPECT_EQ(changed->text().find(".."), std::string::npos) << text;
    EXPECT_EQ(changed->host().find('@'), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace bulkhead
