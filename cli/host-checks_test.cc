#include "cli/host-checks.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace bulkhead::cli {
namespace {

constexpr const char* v1Mount = "30 20 0:1 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n";
constexpr const char* v2Mount = "31 20 0:2 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

TEST(HostChecks, warnsOfAHybridHostWhoseUnifiedHierarchyOwnsControllers) {
  HostCheck check = checkCgroups(std::string(v1Mount) + v2Mount, "hugetlb\n");
  EXPECT_EQ(check.finding, Finding::warning);
  EXPECT_NE(check.advice.find("-o hugetlb"), std::string::npos);
  EXPECT_NE(check.advice.find("runc"), std::string::npos);
}

TEST(HostChecks, acceptsTheOtherHierarchies) {
  EXPECT_EQ(checkCgroups(std::string(v1Mount) + v2Mount, "\n").finding, Finding::ok);
  EXPECT_EQ(checkCgroups(v1Mount, "").finding, Finding::ok);
  EXPECT_EQ(checkCgroups(v2Mount, "cpu memory\n").finding, Finding::ok);
  EXPECT_EQ(checkCgroups("", "").finding, Finding::failure);
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

TEST(HostChecks, looksAtThisKernel) {
  auto checks = checkKernel();
  EXPECT_EQ(checks.size(), 4U);
  EXPECT_TRUE(std::ranges::none_of(checks, [](const HostCheck& check) { return check.text.empty(); }));
}

}  // namespace
}  // namespace bulkhead::cli
