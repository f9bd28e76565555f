#include "daemons/storaged/worker/lookup.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "daemons/common/base/beneath.h"
#include "daemons/storaged/worker/accounts.h"

namespace bulkhead::worker {
namespace {

using Groups = std::vector<std::uint32_t>;

constexpr const char* passwd =
    "root:x:0:0:root:/root:/bin/sh\n"
    "# app:x:1:1::/:\n"
    "broken\n"
    "\n"
    "app:x:1000:1001:App:/home/app:/bin/sh\n"
    "app:x:7:7:a second one:/:\n"
    "1002:x:0:0:a name of digits:/:\n"
    "twin:x:1000:9::/:\n"
    "short:x:1003:1004\n"
    "wraps:x:4294967296:0::/:\n"
    "wrapsgroup:x:50:4294967296::/:\n"
    "last:x:1005:1006::/:/bin/sh";

constexpr const char* group =
    "root:x:0:root\n"
    "staff:x:50:\n"
    "nomembers:x:51\n"
    "extra:x:60:other,app\n"
    "more:x:61:app,other\n"
    "again:x:60:app\n"
    "not:x:62:apple,capp\n"
    "rooty:x:63:root\n"
    "wraps:x:4294967296:victim";

TEST(Accounts, FindsTheFirstEntry) {
  auto app = findAccount(passwd, std::string("app")).value();
  ASSERT_TRUE(app);
  EXPECT_EQ(app->uid, 1000U);
  EXPECT_EQ(app->gid, 1001U);
  EXPECT_EQ(findAccount(passwd, 1000U).value()->name, "app");
  EXPECT_EQ(findAccount(passwd, std::string("short")).value()->gid, 1004U);
  EXPECT_EQ(findAccount(passwd, std::string("last")).value()->uid, 1005U);
  EXPECT_FALSE(findAccount(passwd, std::string("nobody")).value());
  EXPECT_FALSE(findAccount("", 0U).value());
}

// CVE-2016-3697, CVE-2026-46680.
TEST(Accounts, NeverTakesANumberForAName) {
  EXPECT_FALSE(findAccount(passwd, 1002U).value());
}

TEST(Accounts, RefusesIdsThatWouldWrap) {
  EXPECT_EQ(findAccount(passwd, std::string("wraps")).error().field, "/etc/passwd");
  EXPECT_EQ(findAccount(passwd, std::string("wrapsgroup")).error().field, "/etc/passwd");
  EXPECT_EQ(findGroup(group, "wraps").error().field, "/etc/group");
  EXPECT_EQ(groupsOf(group, "victim").error().field, "/etc/group");
}

TEST(Accounts, FindsGroupsAndMembers) {
  EXPECT_EQ(findGroup(group, "staff").value(), 50U);
  EXPECT_EQ(findGroup(group, "nomembers").value(), 51U);
  EXPECT_FALSE(findGroup(group, "none").value());
  EXPECT_EQ(groupsOf(group, "app").value(), (Groups{60, 61}));
  EXPECT_EQ(groupsOf(group, "root").value(), (Groups{0, 63}));
  EXPECT_EQ(groupsOf(group, "nobody").value(), Groups{});
}

TEST(Accounts, CountsMemberships) {
  std::string many;
  for (int i = 0; i < 1025; ++i) many += "g" + std::to_string(i) + ":x:" + std::to_string(i) + ":app\n";
  EXPECT_EQ(groupsOf(many, "app").error().code, Code::resourceExhausted);
  EXPECT_EQ(groupsOf(many, "other").value(), Groups{});
}

class LookupTest : public ::testing::Test {
 protected:
  LookupTest() {
    std::string pattern = std::filesystem::temp_directory_path() / "lookup-test-XXXXXX";
    root_ = ::mkdtemp(pattern.data());
    std::filesystem::create_directory(root_ + "/etc");
    write("/etc/passwd", passwd);
    write("/etc/group", group);
  }
  ~LookupTest() override { std::filesystem::remove_all(root_); }

  void write(const std::string& name, const std::string& text) const { std::ofstream(root_ + name) << text; }
  [[nodiscard]] Outcome<FoundUser> look(const std::string& user, bool memberships = true) const {
    return lookUp(openDirectory(root_).get(), user, memberships);
  }
  // The field that is refused.
  [[nodiscard]] std::string refused(const std::string& user) const {
    auto found = look(user);
    return found ? "not refused" : found.error().field;
  }

  std::string root_;
};

TEST_F(LookupTest, ResolvesEveryForm) {
  struct Case {
    const char* user;
    std::uint32_t uid, gid;
    Groups groups;
  };
  for (const Case& each : {Case{"", 0, 0, {0, 63}},
                           {"root", 0, 0, {0, 63}},
                           {"app", 1000, 1001, {60, 61}},
                           {"app:staff", 1000, 50, {60, 61}},
                           {"app:7", 1000, 7, {60, 61}},
                           {"1000", 1000, 1001, {60, 61}},
                           {"1000:staff", 1000, 50, {60, 61}},
                           {"1002", 1002, 0, {}},
                           {"4294967294:4294967294", 4294967294, 4294967294, {}}}) {
    auto found = look(each.user);
    ASSERT_TRUE(found) << each.user;
    EXPECT_EQ(found->uid, each.uid) << each.user;
    EXPECT_EQ(found->gid, each.gid) << each.user;
    EXPECT_EQ(found->groups, each.groups) << each.user;
    EXPECT_EQ(look(each.user, false)->groups, Groups{}) << each.user;
  }
  for (const char* bad : {"nobody", "app:nogroup", "4294967296", "-1"})
    EXPECT_EQ(refused(bad), "user") << bad;
}

TEST_F(LookupTest, NeedsNoFilesForNumbers) {
  std::filesystem::remove_all(root_ + "/etc");
  EXPECT_EQ(look("1000")->uid, 1000U);
  EXPECT_EQ(look("root:root")->gid, 0U);
  EXPECT_EQ(refused("app"), "user");
  write("/etc", "a file where a directory should be");
  EXPECT_EQ(look("1000:5")->gid, 5U);
}

// CVE-2024-9676: a link leads to what is there inside the image, and nowhere else.
TEST_F(LookupTest, StaysInside) {
  std::filesystem::rename(root_ + "/etc/passwd", root_ + "/elsewhere");
  std::filesystem::create_symlink("../../../../../elsewhere", root_ + "/etc/passwd");
  EXPECT_EQ(look("app")->uid, 1000U);
  std::filesystem::remove(root_ + "/etc/passwd");
  std::filesystem::create_symlink("/etc/hostname", root_ + "/etc/passwd");
  EXPECT_EQ(look("1000")->gid, 0U);  // the host has that file, the image does not
  std::filesystem::remove(root_ + "/etc/passwd");
  std::filesystem::create_symlink("passwd", root_ + "/etc/passwd");
  EXPECT_EQ(refused("1000"), "/etc/passwd");
}

// CVE-2025-4437, CVE-2026-47262.
TEST_F(LookupTest, ReadsOnlyWhatIsSmallAndPlain) {
  std::filesystem::resize_file(root_ + "/etc/group", 10U << 20U);
  EXPECT_EQ(look("4242").error().code, Code::resourceExhausted);
  EXPECT_TRUE(look("4242", false));
  std::filesystem::remove(root_ + "/etc/group");
  ASSERT_EQ(::mkfifo((root_ + "/etc/group").c_str(), 0644), 0);
  EXPECT_EQ(refused("4242"), "/etc/group");
  std::filesystem::remove(root_ + "/etc/passwd");
  std::filesystem::create_directory(root_ + "/etc/passwd");
  EXPECT_EQ(refused("4242"), "/etc/passwd");
}

}  // namespace
}  // namespace bulkhead::worker
