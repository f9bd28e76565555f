// Trees that look like the kernel's, of both versions.
#include <gtest/gtest.h>
#include <kj/async-io.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "daemons/cri-frontend/stats/cgroup-text.h"
#include "daemons/cri-frontend/stats/cgroup-tree.h"
#include "daemons/cri-frontend/stats/cpu-rate.h"
#include "daemons/cri-frontend/stats/stats-reader.h"

namespace bulkhead::cri {
namespace {

class Tree : public testing::Test {
 protected:
  Tree() {
    char path[] = "/tmp/bh-cgroup-XXXXXX";
    root_ = ::mkdtemp(path);
  }
  ~Tree() override { std::filesystem::remove_all(root_); }

  void file(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root_ + "/" + path).parent_path());
    std::ofstream(root_ + "/" + path) << text;
  }
  std::optional<CgroupReading> read(const std::string& group) { return CgroupTree(root_).read(group); }

  std::string root_;
};

constexpr const char* pressureText =
    "some avg10=1.50 avg60=2.00 avg300=3.25 total=400\nfull avg10=0.00 avg60=0.10 avg300=0.20 total=70\n";

void writeV1(const std::function<void(const std::string&, const std::string&)>& file,
             const std::string& group) {
  file("cpuacct" + group + "/cpuacct.usage", "5000000000\n");
  file("cpuacct" + group + "/cpuacct.usage_user", "3000000000\n");
  file("cpuacct" + group + "/cpuacct.usage_sys", "2000000000\n");
  file("cpu" + group + "/cpu.stat", "nr_periods 10\nnr_throttled 4\nthrottled_time 7000000000\n");
  file("cpu" + group + "/cpu.shares", "512\n");
  file("cpu" + group + "/cpu.cfs_period_us", "100000\n");
  file("cpu" + group + "/cpu.cfs_quota_us", "-1\n");
  file("memory" + group + "/memory.usage_in_bytes", "1000000\n");
  file("memory" + group + "/memory.max_usage_in_bytes", "2000000\n");
  file("memory" + group + "/memory.failcnt", "3\n");
  file("memory" + group + "/memory.limit_in_bytes", "4000000\n");
  file("memory" + group + "/memory.soft_limit_in_bytes", "9223372036854771712\n");
  file("memory" + group + "/memory.memsw.limit_in_bytes", "6000000\n");
  file("memory" + group + "/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
  file("memory" + group + "/memory.stat",
       "rss 1\ninactive_file 1\ntotal_cache 300000\ntotal_rss 500000\ntotal_mapped_file 40000\ntotal_swap "
       "9000\n"
       "total_pgfault 77\ntotal_pgmajfault 8\ntotal_active_file 20000\ntotal_inactive_file 250000\n");
  file("pids" + group + "/pids.current", "6\n");
  file("pids" + group + "/pids.max", "max\n");
  file("pids" + group + "/cgroup.procs", "11\n12\n");
  file("pids" + group + "/exec-1/cgroup.procs", "13\n");
  file("blkio" + group + "/blkio.throttle.io_service_bytes_recursive",
       "8:0 Read 4096\n8:0 Write 8192\n8:0 Sync 1\n8:0 Total 12288\nTotal 12288\n");
  file("blkio" + group + "/blkio.throttle.io_serviced_recursive", "8:0 Read 1\n8:0 Write 2\nTotal 3\n");
}

TEST_F(Tree, Version1IsReadFromItsHierarchies) {
  writeV1([this](const auto& path, const auto& text) { file(path, text); }, "/kubepods/podX/c");
  auto reading = read("/kubepods/podX/c");
  ASSERT_TRUE(reading && reading->cpu && reading->memory && reading->tasks);
  EXPECT_EQ(reading->cpu->usage, 5'000'000'000u);
  EXPECT_EQ(reading->cpu->user, 3'000'000'000u);
  EXPECT_EQ(reading->cpu->throttled, 7'000'000'000u);
  EXPECT_EQ(reading->cpu->throttledPeriods, 4u);
  EXPECT_EQ(reading->cpu->shares, 512u);
  EXPECT_FALSE(reading->cpu->quota);
  EXPECT_FALSE(reading->cpu->pressure);
  EXPECT_EQ(reading->memory->workingSet, 750'000u);
  EXPECT_EQ(reading->memory->rss, 500'000u);
  EXPECT_EQ(reading->memory->limit, 4'000'000u);
  EXPECT_FALSE(reading->memory->reservation);
  EXPECT_EQ(reading->memory->swapUsage, 9'000u);
  EXPECT_EQ(reading->memory->swapLimit, 2'000'000u);
  EXPECT_EQ(reading->memory->oomKills, 2u);
  EXPECT_EQ(reading->memory->majorPageFaults, 8u);
  EXPECT_EQ(reading->tasks->threads, 6u);
  EXPECT_EQ(reading->tasks->processes, 3u);
  EXPECT_FALSE(reading->tasks->maxThreads);
  ASSERT_EQ(reading->devices.size(), 1u);
  EXPECT_EQ(reading->devices[0].writtenBytes, 8192u);
  EXPECT_EQ(reading->devices[0].reads, 1u);
}

TEST_F(Tree, AHybridHostHasPressureOnlyForGroupsThatLiveInItsUnifiedHierarchy) {
  writeV1([this](const auto& path, const auto& text) { file(path, text); }, "/c");
  file("unified/c/cgroup.events", "populated 0\nfrozen 0\n");
  file("unified/c/cpu.pressure", pressureText);
  EXPECT_FALSE(read("/c")->cpu->pressure);
  file("unified/c/cgroup.events", "populated 1\nfrozen 0\n");
  ASSERT_TRUE(read("/c")->cpu->pressure);
  EXPECT_EQ(read("/c")->cpu->pressure->some.total, 400u);
}

TEST_F(Tree, Version2IsReadFromOneHierarchy) {
  file("cgroup.controllers", "cpu io memory hugetlb pids\n");
  std::string c = "kubepods.slice/c.scope/";
  file(c + "cpu.stat",
       "usage_usec 5000\nuser_usec 3000\nsystem_usec 2000\nnr_periods 10\nnr_throttled 4\nthrottled_usec "
       "70\n");
  file(c + "cpu.weight", "100\n");
  file(c + "cpu.max", "50000 100000\n");
  file(c + "cpu.pressure", pressureText);
  file(c + "memory.current", "1000000\n");
  file(c + "memory.peak", "2000000\n");
  file(c + "memory.max", "max\n");
  file(c + "memory.min", "0\n");
  file(c + "memory.swap.current", "9000\n");
  file(c + "memory.swap.max", "10000\n");
  file(c + "memory.events", "low 0\nhigh 0\nmax 3\noom 1\noom_kill 2\n");
  file(c + "memory.stat", "anon 500000\nfile 300000\nfile_mapped 40000\ninactive_file 1250000\npgfault 77\n");
  file(c + "memory.pressure", pressureText);
  file(c + "io.pressure", pressureText);
  file(c + "io.stat", "8:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n");
  file(c + "hugetlb.2MB.current", "4194304\n");
  file(c + "pids.current", "6\n");
  file(c + "pids.max", "100\n");
  file(c + "cgroup.procs", "11\n12\n");
  auto reading = read("/kubepods.slice/c.scope");
  ASSERT_TRUE(reading && reading->cpu && reading->memory && reading->tasks);
  EXPECT_EQ(reading->cpu->usage, 5'000'000u);
  EXPECT_EQ(reading->cpu->throttled, 70'000u);
  EXPECT_EQ(reading->cpu->quota, 50'000u);
  EXPECT_EQ(reading->cpu->period, 100'000u);
  EXPECT_EQ(reading->cpu->shares, 2u + 99u * 262142u / 9999u);
  ASSERT_TRUE(reading->cpu->pressure);
  EXPECT_DOUBLE_EQ(reading->cpu->pressure->some.average300, 3.25);
  EXPECT_EQ(reading->cpu->pressure->full.total, 70u);
  EXPECT_EQ(reading->memory->workingSet, 0u);  // more inactive than used: never below nothing
  EXPECT_FALSE(reading->memory->limit);
  EXPECT_FALSE(reading->memory->reservation);
  EXPECT_EQ(reading->memory->swapLimit, 10'000u);
  EXPECT_EQ(reading->memory->limitHits, 3u);
  EXPECT_EQ(reading->memory->maxUsage, 2'000'000u);
  EXPECT_EQ(reading->tasks->maxThreads, 100u);
  ASSERT_EQ(reading->hugepages.size(), 1u);
  EXPECT_EQ(reading->hugepages[0].size, "2MB");
  EXPECT_EQ(reading->devices.at(0).readBytes, 4096u);
  EXPECT_TRUE(reading->ioPressure);
}

TEST_F(Tree, WhatIsMissingIsLeftOut) {
  EXPECT_FALSE(read("/gone"));
  EXPECT_FALSE(read(""));
  file("memory/half/memory.usage_in_bytes", "5\n");
  auto half = read("/half");
  ASSERT_TRUE(half);
  EXPECT_FALSE(half->cpu);
  EXPECT_EQ(half->memory->usage, 5u);
  EXPECT_FALSE(half->memory->swapUsage);
}

TEST_F(Tree, TheReaderLeavesOutWhatHasGone) {
  file("memory/here/memory.usage_in_bytes", "5\n");
  auto io = kj::setupAsyncIo();
  StatsReader reader{CgroupTree(root_)};
  auto stats = reader.read({"/here", "/gone"}).wait(io.waitScope);
  EXPECT_EQ(stats.size(), 1u);
  EXPECT_EQ(stats.at("/here").reading.memory->usage, 5u);
  std::filesystem::remove_all(root_ + "/memory");
  EXPECT_TRUE(reader.read({"/here"}).wait(io.waitScope).empty());
}

TEST(CgroupText, OddTextIsNoNumber) {
  EXPECT_EQ(parseCount("12\n"), 12u);
  for (const char* odd : {"", "\n", "max\n", "-1\n", "1 2", "0x1", "99999999999999999999999"})
    EXPECT_FALSE(parseCount(odd)) << odd;
  auto keyed = parseKeyed("a 1\nno\nb x\nc 2 3\n\nd 4");
  EXPECT_EQ(keyed.size(), 2u);
  EXPECT_EQ(countOf(keyed, "d"), 4u);
  EXPECT_EQ(countOf(keyed, "e"), 0u);
  EXPECT_FALSE(parsePressure("nothing here\n"));
  auto odd = parsePressure("some avg10=nan avg60=1e9 total=-5\n");
  ASSERT_TRUE(odd);
  EXPECT_EQ(odd->some.average10, 0);
  EXPECT_EQ(odd->some.average60, 0);
  EXPECT_EQ(odd->some.total, 0u);
  Devices devices;
  parseIoStat("8:0\n8 rbytes=1\n:: rbytes=1\n8:1 rbytes=x wbytes=7\n", devices);
  ASSERT_EQ(devices.size(), 1u);
  EXPECT_EQ((devices.at({8, 1}).writtenBytes), 7u);
}

constexpr int64_t second = 1'000'000'000;

TEST(CpuRate, IsWhatWasUsedBetweenTwoReadings) {
  CpuRates rates;
  EXPECT_FALSE(rates.add("/c", 10 * second, 500));
  EXPECT_FALSE(rates.add("/c", 10 * second + 1000, 900));  // too close
  EXPECT_EQ(rates.add("/c", 12 * second, second), (second - 500) / 2);
  // Asked again at once: the same answer, from the same base.
  EXPECT_EQ(rates.add("/c", 12 * second + 1000, second), (second - 500) / 2);
  EXPECT_EQ(rates.add("/c", 14 * second, 3 * second), second);
  EXPECT_FALSE(rates.add("/c", 15 * second, 0));  // a new group of that name
}

TEST(CpuRate, OldReadingsAreForgotten) {
  CpuRates rates;
  rates.add("/a", 1 * second, 1);
  rates.add("/b", 300 * second, 1);
  rates.forgetOld(302 * second);
  EXPECT_EQ(rates.size(), 1u);
  EXPECT_FALSE(rates.add("/b", 700 * second, 5));
}

}  // namespace
}  // namespace bulkhead::cri
