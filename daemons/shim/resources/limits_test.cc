// On directory trees that look like the two kinds of cgroupfs.
#include "daemons/shim/resources/limits.h"

#include <capnp/message.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "ipc/convert.h"

namespace bulkhead::resources {
namespace {

class Tree : public testing::Test {
 protected:
  Tree() {
    char name[] = "/tmp/bhXXXXXX";
    top_ = ::mkdtemp(name);
  }
  ~Tree() noexcept override { std::filesystem::remove_all(top_); }

  void file(const std::string& path, const std::string& text) {
    std::filesystem::create_directories((top_ / path).parent_path());
    std::ofstream(top_ / path) << text << "\n";
  }
  std::string text(const std::string& path) {
    std::stringstream all;
    all << std::ifstream(top_ / path).rdbuf();
    std::string found = all.str();
    while (!found.empty() && found.back() == '\n') found.pop_back();
    return found;
  }
  std::map<std::string, std::string> everything() {
    std::map<std::string, std::string> all;
    for (const auto& each : std::filesystem::recursive_directory_iterator(top_)) {
      std::string path = std::filesystem::relative(each.path(), top_);
      if (each.is_regular_file()) all[path] = text(path);
    }
    return all;
  }
  void makeV1() {
    file("cpu/pod/c/cpu.shares", "1024");
    file("cpu/pod/c/cpu.cfs_quota_us", "-1");
    file("cpu/pod/c/cpu.cfs_period_us", "100000");
    file("memory/pod/c/memory.limit_in_bytes", "9223372036854771712");
    file("memory/pod/c/memory.memsw.limit_in_bytes", "9223372036854771712");
    file("pids/pod/c/pids.max", "max");
    file("pids/pod/c/cgroup.procs", "41\n42");
    file("cpuset/pod/c/cpuset.cpus", "0-1");
    file("cpuset/pod/c/cpuset.mems", "0");
    file("hugetlb/pod/c/hugetlb.2MB.limit_in_bytes", "9223372036854771712");
  }
  void makeV2() {
    file("pod/c/cpu.weight", "100");
    file("pod/c/cpu.max", "max 100000");
    file("pod/c/memory.max", "1000000");
    file("pod/c/memory.high", "max");
    file("pod/c/memory.current", "5000");
    file("pod/c/memory.swap.max", "max");
    file("pod/c/memory.oom.group", "0");
    file("pod/c/pids.max", "max");
    file("pod/c/cpuset.cpus", "");
    file("pod/c/cpuset.mems", "");
    file("pod/c/hugetlb.2MB.max", "max");
    file("pod/c/hugetlb.2MB.rsvd.max", "max");
  }
  // What it refuses, or ""; kept if it does not.
  std::string write(Version version) {
    Group group(top_, version, "/pod/c");
    Transaction transaction;
    auto done = writeLimits(asked, asked, group, transaction);
    if (!done) return describe(done.error());
    transaction.keep();
    return "";
  }

  std::filesystem::path top_;
  capnp::MallocMessageBuilder message;
  schema::Resources::Builder asked = message.initRoot<schema::Resources>();
};

TEST_F(Tree, V1HasAHierarchyPerController) {
  makeV1();
  asked.setCpuShares(512);
  asked.setCpuQuota(50000);
  asked.setCpuPeriod(200000);
  asked.setMemoryLimit(1 << 20);
  asked.setSwapLimit(2 << 20);
  asked.setPidsLimit(77);
  asked.setCpusetCpus("1");
  asked.setCpusetMems("0");
  auto pages = asked.initHugepageLimits(2);
  pages[0].setSize("2MB");
  pages[0].setLimit(4 << 20);
  pages[1].setSize("1GB");  // not of this machine, and not wanted
  EXPECT_EQ(write(Version::v1), "");
  EXPECT_EQ(text("cpu/pod/c/cpu.shares"), "512");
  EXPECT_EQ(text("cpu/pod/c/cpu.cfs_quota_us"), "50000");
  EXPECT_EQ(text("cpu/pod/c/cpu.cfs_period_us"), "200000");
  EXPECT_EQ(text("memory/pod/c/memory.limit_in_bytes"), "1048576");
  EXPECT_EQ(text("memory/pod/c/memory.memsw.limit_in_bytes"), "2097152");
  EXPECT_EQ(text("pids/pod/c/pids.max"), "77");
  EXPECT_EQ(text("cpuset/pod/c/cpuset.cpus"), "1");
  EXPECT_EQ(text("hugetlb/pod/c/hugetlb.2MB.limit_in_bytes"), "4194304");
}

TEST_F(Tree, WhatIsNotAskedStays) {
  makeV1();
  makeV2();
  auto before = everything();
  EXPECT_EQ(write(Version::v1), "");
  EXPECT_EQ(write(Version::v2), "");
  EXPECT_EQ(everything(), before);
  asked.setCpuPeriod(50000);
  EXPECT_EQ(write(Version::v1), "");
  EXPECT_EQ(text("cpu/pod/c/cpu.cfs_quota_us"), "-1");
  EXPECT_EQ(text("cpu/pod/c/cpu.cfs_period_us"), "50000");
  EXPECT_EQ(write(Version::v2), "");
  EXPECT_EQ(text("pod/c/cpu.max"), "max 50000");
}

TEST_F(Tree, V2HasOneDirectory) {
  makeV2();
  asked.setCpuShares(1024);
  asked.setCpuQuota(50000);
  asked.setMemoryLimit(2000000);
  asked.setSwapLimit(3000000);
  asked.setPidsLimit(77);
  asked.setCpusetCpus("0");
  auto pages = asked.initHugepageLimits(1);
  pages[0].setSize("2MB");
  auto unified = asked.initUnified(1);
  unified[0].setKey("memory.oom.group");
  unified[0].setValue(ipc::toData(std::string("1")));
  EXPECT_EQ(write(Version::v2), "");
  EXPECT_EQ(text("pod/c/cpu.weight"), "39");  // as runc and crun write it
  EXPECT_EQ(text("pod/c/cpu.max"), "50000 100000");
  EXPECT_EQ(text("pod/c/memory.max"), "2000000");
  EXPECT_EQ(text("pod/c/memory.swap.max"), "1000000");
  EXPECT_EQ(text("pod/c/memory.oom.group"), "1");
  EXPECT_EQ(text("pod/c/hugetlb.2MB.max"), "0");
  EXPECT_EQ(text("pod/c/hugetlb.2MB.rsvd.max"), "0");
  EXPECT_EQ(text("pod/c/cpuset.cpus"), "0");
  asked.setSwapLimit(-1);
  asked.setCpuQuota(-1);
  EXPECT_EQ(write(Version::v2), "");
  EXPECT_EQ(text("pod/c/memory.swap.max"), "max");
  EXPECT_EQ(text("pod/c/cpu.max"), "max 100000");
}

TEST_F(Tree, ADecreaseOnV2ReclaimsAndNeverKills) {
  makeV2();
  file("pod/c/memory.high", "800000");
  asked.setMemoryLimit(6000);
  EXPECT_EQ(write(Version::v2), "");
  EXPECT_EQ(text("pod/c/memory.max"), "6000");
  EXPECT_EQ(text("pod/c/memory.high"), "800000");
  auto before = everything();
  asked.setMemoryLimit(4000);
  EXPECT_EQ(write(Version::v2),
            "resources.memoryLimit: the container uses 5000 bytes, of which no more can be reclaimed");
  EXPECT_EQ(everything(), before);
}

TEST_F(Tree, WhatIsRefusedInTheMiddleLeavesEverythingAsItWas) {
  makeV1();
  std::filesystem::remove(top_ / "cpuset/pod/c/cpuset.cpus");
  auto before = everything();
  asked.setCpuShares(2);
  asked.setCpuQuota(50000);
  asked.setCpuPeriod(200000);
  asked.setMemoryLimit(4096);
  asked.setSwapLimit(4096);
  asked.setPidsLimit(1);
  asked.setCpusetMems("0");
  asked.setCpusetCpus("0");
  EXPECT_EQ(write(Version::v1), "resources.cpusetCpus: this host has no cpuset.cpus");
  EXPECT_EQ(everything(), before);

  makeV2();
  std::filesystem::remove(top_ / "pod/c/memory.swap.max");
  before = everything();
  EXPECT_EQ(write(Version::v2),
            "resources.memoryLimit: the container uses 5000 bytes, of which no more can be reclaimed");
  asked.setMemoryLimit(6000);
  asked.setSwapLimit(6000);
  EXPECT_EQ(write(Version::v2), "resources.swapLimit: this host has no memory.swap.max");
  EXPECT_EQ(everything(), before);
}

TEST_F(Tree, AKeyIsOneNameBeneathTheGroup) {
  makeV2();
  file("pod/secret", "kept");
  auto unified = asked.initUnified(1);
  unified[0].setKey("../secret");
  unified[0].setValue(ipc::toData(std::string("1")));
  EXPECT_NE(write(Version::v2), "");
  EXPECT_EQ(text("pod/secret"), "kept");
}

TEST_F(Tree, TheScoreIsThatOfEveryProcess) {
  makeV1();
  file("proc/41/oom_score_adj", "0");
  file("proc/42/oom_score_adj", "7");
  file("proc/43/oom_score_adj", "0");
  Group group(top_, Version::v1, "/pod/c");
  auto set = [&](const std::string& score) {
    Transaction transaction;
    auto done = writeOomScore(std::stoi(score), group, top_ / "proc", transaction);
    if (done) transaction.keep();
    return done ? "" : describe(done.error());
  };
  EXPECT_EQ(set("500"), "");
  EXPECT_EQ(text("proc/41/oom_score_adj"), "500");
  EXPECT_EQ(text("proc/42/oom_score_adj"), "500");
  EXPECT_EQ(text("proc/43/oom_score_adj"), "0") << "not in the group";
  std::filesystem::remove_all(top_ / "proc/41");  // it ended
  EXPECT_EQ(set("600"), "");
  EXPECT_EQ(text("proc/42/oom_score_adj"), "600");
  std::filesystem::remove(top_ / "proc/42/oom_score_adj");
  std::filesystem::create_directory(top_ / "proc/42/oom_score_adj");
  file("proc/41/oom_score_adj", "600");
  EXPECT_NE(set("700"), "");
  EXPECT_EQ(text("proc/41/oom_score_adj"), "600");
}

TEST_F(Tree, WhatAHostHasNotIsSaid) {
  auto pages = asked.initHugepageLimits(1);
  pages[0].setSize("2MB");
  EXPECT_TRUE(checkHost(asked, Version::v1, false)) << "the kubelet's zero";
  pages[0].setLimit(1);
  EXPECT_FALSE(checkHost(asked, Version::v1, false));
  EXPECT_TRUE(checkHost(asked, Version::v1, true));
  asked.initUnified(1);
  EXPECT_FALSE(checkHost(asked, Version::v1, true));
  EXPECT_TRUE(checkHost(asked, Version::v2, true));
}

}  // namespace
}  // namespace bulkhead::resources
