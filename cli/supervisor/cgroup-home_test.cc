#include "cli/supervisor/cgroup-home.h"

#include <gtest/gtest.h>

namespace bulkhead::supervisor {
namespace {

constexpr const char* pids = "30 20 0:1 / /sys/fs/cgroup/pids rw shared:1 - cgroup cgroup rw,pids\n";
constexpr const char* systemd = "31 20 0:2 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n";
constexpr const char* unified = "32 20 0:3 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

TEST(CgroupHome, prefersTheUnifiedHierarchy) {
  auto place = findCgroupPlace(std::string(pids) + unified, "8:pids:/a\n0::/user/me\n");
  ASSERT_TRUE(place);
  EXPECT_EQ(place->directory, "/sys/fs/cgroup/unified/user/me");
  EXPECT_EQ(place->line, "0::/user/me");
}

TEST(CgroupHome, takesPidsThenSystemdOnV1) {
  EXPECT_EQ(findCgroupPlace(std::string(systemd) + pids, "8:pids:/\n9:name=systemd:/s\n")->directory,
            "/sys/fs/cgroup/pids");
  EXPECT_EQ(findCgroupPlace(systemd, "8:cpu,pids:/p\n9:name=systemd:/s\n")->line, "9:name=systemd:/s");
  // Joint hierarchies.
  constexpr const char* joint = "30 20 0:1 / /c rw - cgroup cgroup rw,cpu,pids\n";
  EXPECT_EQ(findCgroupPlace(joint, "8:cpu,pids:/p\n")->directory, "/c/p");
}

TEST(CgroupHome, understandsAMountOfAPart) {
  constexpr const char* part = "30 20 0:1 /docker/x /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
  EXPECT_EQ(findCgroupPlace(part, "0::/docker/x/y\n")->directory, "/sys/fs/cgroup/y");
  EXPECT_EQ(findCgroupPlace(part, "0::/docker/x\n")->directory, "/sys/fs/cgroup");
  EXPECT_FALSE(findCgroupPlace(part, "0::/docker/xy\n"));
}

TEST(CgroupHome, findsNothingWhereNothingIsMounted) {
  EXPECT_FALSE(findCgroupPlace("", "0::/\n"));
  EXPECT_FALSE(findCgroupPlace(unified, ""));
  EXPECT_FALSE(findCgroupPlace("30 20 0:1 / / rw - ext4 /dev/x rw\n", "0::/\n8:pids:/\n"));
}

}  // namespace
}  // namespace bulkhead::supervisor
