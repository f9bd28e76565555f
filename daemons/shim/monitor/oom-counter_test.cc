#include "daemons/shim/monitor/oom-counter.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <string>

#include "daemons/common/base/fd.h"
#include "daemons/common/base/io.h"

namespace bulkhead::shim {
namespace {

bool counts(const std::string& text) {
  Fd file(::memfd_create("counter", MFD_CLOEXEC));
  EXPECT_TRUE(writeAll(file.get(), text));
  return countsOomKill(file.get());
}

TEST(OomCounter, ReadsBothKindsOfFile) {
  const std::string v1 = "oom_kill_disable 0\nunder_oom 0\noom_kill ";
  EXPECT_FALSE(counts(v1 + "0\n"));
  EXPECT_TRUE(counts(v1 + "1\n"));
  const std::string v2 = "low 0\nhigh 9\nmax 12\noom 3\noom_kill ";
  EXPECT_FALSE(counts(v2 + "0\noom_group_kill 0\n"));
  EXPECT_TRUE(counts(v2 + "10\noom_group_kill 1\n"));
}

TEST(OomCounter, WhatIsNotTheLineDoesNotCount) {
  EXPECT_FALSE(counts(""));
  EXPECT_FALSE(counts("not_oom_kill 5\n"));
  EXPECT_TRUE(counts("not_oom_kill 0\noom_kill 5\n"));
  EXPECT_FALSE(counts("oom_kill "));
  EXPECT_FALSE(countsOomKill(-1));
}

}  // namespace
}  // namespace bulkhead::shim
