#include "daemons/shim/resources/merge.h"

#include <capnp/message.h>
#include <gtest/gtest.h>

#include "ipc/convert.h"

namespace bulkhead::resources {
namespace {

TEST(Merge, WhatIsNotSetStays) {
  capnp::MallocMessageBuilder first, second;
  auto whole = first.initRoot<schema::Resources>();
  whole.setCpuShares(512);
  whole.setCpusetCpus("0");
  whole.setMemoryLimit(4096);
  whole.setHasOomScoreAdj(true);
  whole.setOomScoreAdj(5);
  auto update = second.initRoot<schema::Resources>();
  merge(update, whole);
  EXPECT_EQ(whole.getCpuShares(), 512);
  EXPECT_EQ(whole.getOomScoreAdj(), 5);
  update.setMemoryLimit(8192);
  update.setCpuQuota(-1);
  update.setHasOomScoreAdj(true);
  merge(update, whole);
  EXPECT_EQ(whole.getCpuShares(), 512);
  EXPECT_EQ(ipc::toString(whole.getCpusetCpus()), "0");
  EXPECT_EQ(whole.getMemoryLimit(), 8192);
  EXPECT_EQ(whole.getCpuQuota(), -1);
  EXPECT_EQ(whole.getOomScoreAdj(), 0);
}

TEST(Merge, ListsAreMergedByTheirKeys) {
  capnp::MallocMessageBuilder first, second;
  auto whole = first.initRoot<schema::Resources>();
  auto update = second.initRoot<schema::Resources>();
  auto add = [](schema::Resources::Builder to, const std::string& size, std::uint64_t limit,
                const std::string& key, const std::string& value) {
    auto pages = to.initHugepageLimits(1)[0];
    pages.setSize(size);
    pages.setLimit(limit);
    auto unified = to.initUnified(1)[0];
    unified.setKey(key);
    unified.setValue(ipc::toData(value));
  };
  add(whole, "2MB", 1, "memory.high", "5");
  add(update, "1GB", 2, "memory.min", "3");
  merge(update, whole);
  add(update, "2MB", 9, "memory.high", "max");
  merge(update, whole);
  ASSERT_EQ(whole.getHugepageLimits().size(), 2U);
  EXPECT_EQ(whole.getHugepageLimits()[0].getLimit(), 2U);
  EXPECT_EQ(whole.getHugepageLimits()[1].getLimit(), 9U);
  ASSERT_EQ(whole.getUnified().size(), 2U);
  EXPECT_EQ(ipc::toString(whole.asReader().getUnified()[0].getValue()), "max");
  EXPECT_EQ(ipc::toString(whole.asReader().getUnified()[1].getValue()), "3");
}

}  // namespace
}  // namespace bulkhead::resources
