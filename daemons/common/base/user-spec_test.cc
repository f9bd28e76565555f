#include "daemons/common/base/user-spec.h"

#include <gtest/gtest.h>

namespace bulkhead {
namespace {

AccountName named(const char* name) {
  return std::string(name);
}

TEST(UserSpec, TakesEveryFormOfAnImagesUser) {
  struct Case {
    const char* text;
    AccountName user;
    std::optional<AccountName> group;
  };
  for (const Case& each : {Case{"", 0U, {}},
                           {"0", 0U, {}},
                           {"root", named("root"), {}},
                           {"1002", 1002U, {}},
                           {"0001002", 1002U, {}},
                           {"4294967294", 4294967294U, {}},
                           {"www-data", named("www-data"), {}},
                           {"1003:1004", 1003U, 1004U},
                           {"www-data:1004", named("www-data"), 1004U},
                           {"1003:staff", 1003U, named("staff")},
                           {"app:staff", named("app"), named("staff")},
                           {"app:", named("app"), {}},
                           {":7", 0U, 7U},
                           {"machine$", named("machine$"), {}},
                           {"7up", named("7up"), {}}}) {
    auto spec = UserSpec::parse(each.text, "user");
    ASSERT_TRUE(spec) << each.text;
    EXPECT_EQ(spec->user, each.user) << each.text;
    EXPECT_EQ(spec->group, each.group) << each.text;
  }
}

// CVE-2024-40635, CVE-2026-46680: neither wraps nor becomes a name.
TEST(UserSpec, RefusesWhatIsNoNumberAndNoName) {
  const std::string manyNines(36, '9');
  for (const std::string& bad :
       {std::string("4294967295"), std::string("4294967296"), manyNines, std::string("-1000"),
        "405:" + manyNines, std::string("0:4294967296"), "app:" + manyNines, std::string("-1"),
        std::string("+1"), std::string("a b"), std::string("a:b:c"), std::string("a\nb"), std::string("a,b"),
        std::string("/etc"), std::string("\xc3\xa4"), std::string(1, '\0'), std::string(257, 'a')}) {
    auto spec = UserSpec::parse(bad, "user");
    ASSERT_FALSE(spec) << bad;
    EXPECT_EQ(spec.error().field, "user");
  }
}

TEST(UserSpec, ReadsTheNumbersOfAccountFiles) {
  EXPECT_EQ(parseAccountNumber("65534"), 65534U);
  for (const char* bad :
       {"", "-1", "+1", " 1", "1 ", "0x1", "4294967295", "4294967296", "99999999999999999999"})
    EXPECT_EQ(parseAccountNumber(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace bulkhead
