#include "cli/host-checks.h"

#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace bulkhead::cli {
namespace {

constexpr const char* v1Mount = "30 20 0:1 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n";
constexpr const char* v2Mount = "31 20 0:2 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

const std::string hybrid = std::string(v1Mount) + v2Mount;

TEST(HostChecks, warnsOfAHybridHostWhoseUnifiedHierarchyOwnsControllers) {
  HostCheck check = checkCgroups(hybrid, "hugetlb misc\n", {"crun version 1.8.1", true, true});
  EXPECT_EQ(check.finding, Finding::warning);
  EXPECT_NE(check.text.find("hugetlb misc; crun version 1.8.1"), std::string::npos) << check.text;
  EXPECT_NE(check.advice.find("-o hugetlb"), std::string::npos);
  EXPECT_NE(check.advice.find("-o misc"), std::string::npos);
  EXPECT_NE(check.advice.find("runc"), std::string::npos);
}

TEST(HostChecks, aHybridHostFailsOnlyTheCrunThatRefusesItAndIsAlone) {
  auto find = [](const RuntimeChoice& runtime) { return checkCgroups(hybrid, "hugetlb\n", runtime).finding; };
  EXPECT_EQ(find({"crun version 1.8.1", true, false}), Finding::failure);
  EXPECT_EQ(find({"crun version 1.8.1", false, false}), Finding::warning) << "some handler may name it";
  EXPECT_EQ(find({"crun version 1.14", true, false}), Finding::ok);
  EXPECT_EQ(find({"", false, false}), Finding::ok);
}

TEST(HostChecks, knowsTheVersionsThatRefuse) {
  for (const char* old :
       {"crun version 1.8.1", "crun version 1.8", "crun version 0.17", "", "crun version x"})
    EXPECT_TRUE(refusesHybridHosts(old)) << old;
  for (const char* recent : {"crun version 1.9", "crun version 1.14.3", "crun version 2.0"})
    EXPECT_FALSE(refusesHybridHosts(recent)) << recent;
}

TEST(HostChecks, findsTheUnifiedHierarchyWhereverItIs) {
  EXPECT_EQ(unifiedMountPoint(hybrid), "/sys/fs/cgroup/unified");
  EXPECT_EQ(unifiedMountPoint("31 20 0:2 / /mnt/v2 rw shared:9 - cgroup2 none rw\n"), "/mnt/v2");
  EXPECT_EQ(unifiedMountPoint(v1Mount), "");
}

TEST(HostChecks, demandsEveryAccount) {
  HostCheck check = checkAccounts();
  for (const char* name :
       {"bulkhead-cri", "bulkhead-image", "bulkhead-storage", "bulkhead-net", "bulkhead-config"}) {
    bool present = ::getpwnam(name) != nullptr;
    EXPECT_EQ(check.text.find(name) == std::string::npos, present) << name;
  }
}

TEST(HostChecks, acceptsTheOtherHierarchies) {
  RuntimeChoice crun{"crun version 1.8.1", true, false};
  EXPECT_EQ(checkCgroups(hybrid, "\n", crun).finding, Finding::ok);
  EXPECT_EQ(checkCgroups(v1Mount, "", crun).finding, Finding::ok);
  EXPECT_EQ(checkCgroups(v2Mount, "cpu memory\n", crun).finding, Finding::ok);
  EXPECT_EQ(checkCgroups("", "", crun).finding, Finding::failure);
}

TEST(HostChecks, namesMissingCapabilities) {
  std::string status =
      "Name:\tx\nState:\tS\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nGroups:\t\nCapInh:\t0\nCapPrm:\t0\n"
      "CapEff:\t0\nCapBnd:\t000001fffeffffff\nCapAmb:\t0\nNoNewPrivs:\t0\nSeccomp:\t0\n";
  HostCheck check = checkBoundingSet(status);
  EXPECT_EQ(check.finding, Finding::warning);
  EXPECT_NE(check.text.find("CAP_SYS_RESOURCE"), std::string::npos) << check.text;
  EXPECT_EQ(check.text.find(','), std::string::npos) << check.text;
}

TEST(HostChecks, looksWhetherCredentialsCanBeRead) {
  char name[] = "/tmp/bulkhead-auth-XXXXXX";
  int fd = ::mkstemp(name);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(::fchmod(fd, 0640), 0);
  unsigned own = ::getegid();
  EXPECT_EQ(checkAuthFiles(name, "", 12345, own).finding, Finding::ok);
  auto closed = checkAuthFiles(name, "", 12345, own + 1);
  EXPECT_EQ(closed.finding, Finding::failure);
  EXPECT_NE(closed.text.find(name), std::string::npos);
  EXPECT_EQ(checkAuthFiles("", "", 1, 1).finding, Finding::ok);
  EXPECT_EQ(checkAuthFiles("/no/such/file", "", 1, 1).finding, Finding::ok);
  ::close(fd);
  ::unlink(name);
}

TEST(HostChecks, saysWhoCountsWhatContainersWrite) {
  const std::string mounts =
      "20 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
      "21 20 8:2 / /var/lib rw,relatime shared:1 - xfs /dev/sdb rw,attr2,prjquota\n"
      "22 20 8:3 / /var/lib/other rw - ext4 /dev/sdc rw,noprjquota\n";
  EXPECT_NE(checkProjectQuota(mounts, "/var/lib/bulkhead").text.find("xfs, on"), std::string::npos);
  EXPECT_NE(checkProjectQuota(mounts, "/var/library").text.find("ext4, off"), std::string::npos);
  EXPECT_NE(checkProjectQuota(mounts, "/var/lib/other").text.find("ext4, off"), std::string::npos);
  EXPECT_EQ(checkProjectQuota("", "/var/lib").finding, Finding::ok);
}

TEST(HostChecks, looksAtThisKernel) {
  auto checks = checkKernel();
  EXPECT_EQ(checks.size(), 4U);
  EXPECT_TRUE(std::ranges::none_of(checks, [](const HostCheck& check) { return check.text.empty(); }));
}

}  // namespace
}  // namespace bulkhead::cli
