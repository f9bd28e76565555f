#include "daemons/config-reader/settings.h"

#include <gtest/gtest.h>

namespace bulkhead::config {
namespace {

constexpr Key keys[] = {
    {"top", Type::text, "\"t\"", ""},
    {"table.flag", Type::boolean, "false", ""},
    {"table.count", Type::integer, "7", ""},
    {"table.list", Type::texts, "[\"a\"]", ""},
    {"runtimes.NAME.path", Type::text, "", ""},
    {"registry[].prefix", Type::text, "", ""},
    {"registry[].insecure", Type::boolean, "false", ""},
};

std::string errorOf(const std::string& text) {
  Settings settings(keys);
  try {
    settings.read("b.toml", text);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(Settings, NameFileAndLineOfAnUnknownKey) {
  EXPECT_EQ(errorOf("\n\nnope = 1\n"), "b.toml:3: unknown key 'nope'");
  EXPECT_EQ(errorOf("top = \"x\"\n[table]\nflag = true\nflog = true\n"),
            "b.toml:4: unknown key 'table.flog'");
  EXPECT_EQ(errorOf("[runtimes.x]\npath = \"/x\"\npth = \"/x\"\n"), "b.toml:3: unknown key 'runtimes.x.pth'");
  EXPECT_EQ(errorOf("[[registry]]\nprefix = \"x\"\nnope = 1\n"), "b.toml:3: unknown key 'registry.nope'");
  EXPECT_EQ(errorOf("\n[other]\n"), "b.toml:2: unknown key 'other'");
  EXPECT_EQ(errorOf("[table.inner]\nx = 1\n"), "b.toml:1: unknown key 'table.inner'");
}

TEST(Settings, NameFileAndLineOfAWrongType) {
  EXPECT_EQ(errorOf("top = 1\n"), "b.toml:1: 'top' must be a string");
  EXPECT_EQ(errorOf("[table]\n\nflag = \"yes\"\n"), "b.toml:3: 'table.flag' must be true or false");
  EXPECT_EQ(errorOf("[table]\ncount = 1.5\n"), "b.toml:2: 'table.count' must be a number");
  EXPECT_EQ(errorOf("[table]\nlist = [\"a\", 1]\n"), "b.toml:2: 'table.list' must be a list of strings");
  EXPECT_EQ(errorOf("table = 1\n"), "b.toml:1: 'table' must be a table");
  EXPECT_EQ(errorOf("[runtimes]\nx = 1\n"), "b.toml:2: 'runtimes.x' must be a table");
  EXPECT_EQ(errorOf("[registry]\n"), "b.toml:1: 'registry' must be written [[registry]]");
}

TEST(Settings, NameFileAndLineOfBadToml) {
  EXPECT_EQ(errorOf("top = \"x\"\ntop = \n").substr(0, 9), "b.toml:2:");
  EXPECT_EQ(errorOf("top = \"x\"\ntop = \"y\"\n").substr(0, 7), "b.toml:");
  EXPECT_EQ(errorOf("\"").substr(0, 9), "b.toml:1:");
}

TEST(Settings, RequireAnEntrysIdentity) {
  EXPECT_EQ(errorOf("[[registry]]\ninsecure = true\n"), "b.toml:1: 'registry.prefix' is missing");
  EXPECT_EQ(errorOf("[runtimes.x]\n"), "b.toml:1: 'runtimes.x.path' is missing");
  EXPECT_EQ(errorOf("[[registry]]\nprefix=\"a\"\n[[registry]]\nprefix=\"a\"\n"),
            "b.toml:4: 'registry.prefix' \"a\" is there twice");
}

TEST(Settings, FallBack) {
  Settings settings(keys);
  EXPECT_EQ(settings.at("top").text(), "t");
  EXPECT_EQ(settings.at("table.count").number(0, 10), 7);
  EXPECT_FALSE(settings.at("table.count").isSet());
  EXPECT_THROW((void)settings.at("nope"), std::logic_error);
}

TEST(Settings, LaterFilesWinKeyByKey) {
  Settings settings(keys);
  settings.read("b.toml", "top = \"1\"\n[table]\nflag = true\ncount = 1\n[runtimes.a]\npath = \"/a\"\n");
  settings.read("10.toml", "[table]\ncount = 2\n[runtimes.b]\npath = \"/b\"\n");
  settings.read("20.toml", "[runtimes.a]\npath = \"/c\"\n");
  EXPECT_EQ(settings.at("top").text(), "1");
  EXPECT_TRUE(settings.at("table.flag").flag());
  EXPECT_EQ(settings.at("table.count").number(0, 10), 2);
  ASSERT_EQ(settings.entries("runtimes").size(), 2U);
  EXPECT_EQ(settings.entries("runtimes").find("a")->second.find("path")->second.text(), "/c");
}

TEST(Settings, EntriesOfListsAreMergedByIdentity) {
  Settings settings(keys);
  settings.read("b.toml", "[[registry]]\nprefix = \"a\"\n[[registry]]\nprefix = \"b\"\ninsecure = true\n");
  settings.read("10.toml", "[[registry]]\nprefix = \"a\"\ninsecure = true\n[[registry]]\nprefix = \"b\"\n");
  const Entries& registries = settings.entries("registry");
  ASSERT_EQ(registries.size(), 2U);
  for (const auto& [name, entry] : registries) EXPECT_TRUE(entry.find("insecure")->second.flag()) << name;
}

TEST(Setting, RefusesWithItsPlace) {
  Settings settings(keys);
  settings.read("b.toml", "[table]\ncount = 99\n");
  try {
    (void)settings.at("table.count").number(1, 10);
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(), "b.toml:2: 'table.count' must be from 1 to 10");
  }
}

}  // namespace
}  // namespace bulkhead::config
