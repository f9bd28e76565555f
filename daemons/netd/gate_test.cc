#include "daemons/netd/gate.h"

#include <gtest/gtest.h>
#include <kj/async-io.h>

namespace bulkhead::netd {
namespace {

class GateTest : public ::testing::Test {
 protected:
  // The event loop's destructor may throw, a test's may not.
  ~GateTest() noexcept override {}  // NOLINT(modernize-use-equals-default)
  bool has(kj::Promise<kj::Own<Gate::Pass>>& promise) { return promise.poll(io_.waitScope); }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  Gate gate_;
};

TEST_F(GateTest, LetsManyInAndNobodyAloneBeside) {
  auto one = gate_.enter().wait(io_.waitScope);
  auto other = gate_.enter().wait(io_.waitScope);
  EXPECT_TRUE(gate_.tryAlone() == nullptr);
  one = nullptr;
  EXPECT_TRUE(gate_.tryAlone() == nullptr);
  other = nullptr;
  EXPECT_FALSE(gate_.tryAlone() == nullptr);
}

TEST_F(GateTest, KeepsTheOthersOutsideOfWhoIsAlone) {
  auto alone = gate_.tryAlone();
  EXPECT_TRUE(gate_.tryAlone() == nullptr);
  auto first = gate_.enter();
  auto second = gate_.enter();
  auto gone = gate_.enter();
  EXPECT_FALSE(has(first));
  gone = nullptr;
  alone = nullptr;
  EXPECT_TRUE(has(first));
  EXPECT_TRUE(has(second));
  EXPECT_TRUE(gate_.tryAlone() == nullptr);
  first = nullptr;
  second = nullptr;
  EXPECT_FALSE(gate_.tryAlone() == nullptr);
}

}  // namespace
}  // namespace bulkhead::netd
