#include "daemons/imaged/planner/registries-conf.h"

#include <gtest/gtest.h>

namespace bulkhead::planner {
namespace {

RegistriesConf read(const std::vector<std::string>& files) {
  RegistriesConf conf;
  int number = 0;
  for (const std::string& text : files) readRegistriesConf(conf, std::to_string(number++) + ".conf", text);
  return conf;
}

std::string errorOf(const std::string& text) {
  try {
    read({text});
  } catch (const ConfError& error) {
    return error.what();
  }
  return "";
}

TEST(RegistriesConf, ReadsTheWholeOfVersion2) {
  RegistriesConf conf = read({R"(
unqualified-search-registries = ["one.test", "two.test:5000"]
short-name-mode = "disabled"
credential-helpers = ["containers-auth.json"]
[[registry]]
prefix = "*.example.com"
blocked = true
[[registry]]
location = "quay.io/team/"
insecure = true
[[registry.mirror]]
location = "mirror.test/q"
insecure = true
[[registry.mirror]]
location = "tags.test"
pull-from-mirror = "tag-only"
[aliases]
"fedora" = "registry.fedoraproject.org/fedora"
)"});
  EXPECT_EQ(conf.search->size(), 2U);
  EXPECT_EQ(conf.shortNameMode, ShortNameMode::disabled);
  ASSERT_EQ(conf.rules.size(), 2U);
  EXPECT_EQ(conf.rules[0].prefix, "*.example.com");
  EXPECT_TRUE(conf.rules[0].blocked);
  EXPECT_EQ(conf.rules[1].prefix, "quay.io/team");
  EXPECT_EQ(conf.rules[1].location, "quay.io/team");
  ASSERT_EQ(conf.rules[1].mirrors.size(), 2U);
  EXPECT_TRUE(conf.rules[1].mirrors[0].insecure);
  EXPECT_EQ(conf.rules[1].mirrors[0].pullFrom, PullFrom::all);
  EXPECT_EQ(conf.rules[1].mirrors[1].pullFrom, PullFrom::tagOnly);
  EXPECT_EQ(conf.aliases.at("fedora"), "registry.fedoraproject.org/fedora");
}

TEST(RegistriesConf, LaterFilesWinKeyByKeyAndPrefixByPrefix) {
  RegistriesConf conf = read({R"(
unqualified-search-registries = ["one.test"]
short-name-mode = "disabled"
[[registry]]
location = "a.test"
insecure = true
[[registry]]
location = "b.test"
[aliases]
x = "a.test/x"
y = "a.test/y"
)",
                              R"(
unqualified-search-registries = ["two.test"]
[[registry]]
location = "a.test"
[aliases]
x = ""
y = "b.test/y"
)"});
  EXPECT_EQ(conf.search->at(0), "two.test");
  EXPECT_EQ(conf.shortNameMode, ShortNameMode::disabled);
  ASSERT_EQ(conf.rules.size(), 2U);
  EXPECT_EQ(conf.rules[1].prefix, "a.test");
  EXPECT_FALSE(conf.rules[1].insecure);
  EXPECT_EQ(conf.aliases.count("x"), 0U);
  EXPECT_EQ(conf.aliases.at("y"), "b.test/y");
}

TEST(RegistriesConf, SilenceIsNoSearchList) {
  EXPECT_FALSE(read({""}).search);
  EXPECT_TRUE(read({"unqualified-search-registries = []"}).search);
  EXPECT_EQ(read({"short-name-mode = \"\""}).shortNameMode, ShortNameMode::enforcing);
}

TEST(RegistriesConf, MirrorByDigestOnlyIsForAllMirrors) {
  RegistriesConf conf =
      read({"[[registry]]\nlocation = \"a.test\"\nmirror-by-digest-only = true\n"
            "[[registry.mirror]]\nlocation = \"m.test\"\n"});
  EXPECT_EQ(conf.rules[0].mirrors[0].pullFrom, PullFrom::digestOnly);
  EXPECT_NE(errorOf("[[registry]]\nlocation = \"a.test\"\nmirror-by-digest-only = true\n"
                    "[[registry.mirror]]\nlocation = \"m.test\"\npull-from-mirror = \"tag-only\"\n"),
            "");
}

TEST(RegistriesConf, RefusesVersion1ByName) {
  EXPECT_EQ(errorOf("\n[registries.search]\nregistries = ['a.test']\n").substr(0, 10), "0.conf:2: ");
  EXPECT_NE(errorOf("[registries.insecure]\nregistries = []\n").find("version 1"), std::string::npos);
}

TEST(RegistriesConf, NamesFileAndLine) {
  for (const char* bad :
       {"\nshort-name-mode = 'maybe'", "\nshort-name-mode = 1", "\nregistry = 1",
        "\nunqualified-search-registries = 'a'", "\nunqualified-search-registries = ['http://a']",
        "\naliases = 1", "\naliases = {a = 'b'}", "\naliases = {a = 'b.test/c:tag'}", "\n[[registry]]\n",
        "\nregistry = [1]", "\n= broken", "\na = ", "\ncredential-helpers = 1"}) {
    EXPECT_EQ(errorOf(bad).substr(0, 8), "0.conf:2") << bad << ": " << errorOf(bad);
  }
  for (const char* bad :
       {"prefix = 1", "prefix = 'a.test'", "location = 'https://a.test'", "location = '*.a.test'",
        "location = 'user@a.test'", "location = 'a test'", "location = '/a'", "prefix = '*.a.*'",
        "location = 'a.test'\npull-from-mirror = 'all'", "location = 'a.test'\nmirror = 1",
        "location = 'a.test'\n[[registry.mirror]]\ninsecure = true",
        "location = 'a.test'\n[[registry.mirror]]\nlocation = 'm.test'\npull-from-mirror = 'x'",
        "location = 'a.test'\nblocked = 'yes'"}) {
    EXPECT_NE(errorOf(std::string("[[registry]]\n") + bad), "") << bad;
  }
  EXPECT_NE(
      errorOf("[[registry]]\nlocation = 'a.test'\n[[registry]]\nprefix = 'a.test'\nlocation = 'b.test'"), "");
}

TEST(RegistriesConf, PassesOverWhatItDoesNotKnow) {
  EXPECT_EQ(
      errorOf("additional-layer-store-auth-helper = 'x'\n[[registry]]\nlocation = 'a.test'\nfuture = 1"), "");
}

}  // namespace
}  // namespace bulkhead::planner
