#include "daemons/netd/slots.h"

#include <gtest/gtest.h>
#include <kj/async-io.h>

namespace bulkhead::netd {
namespace {

class SlotsTest : public ::testing::Test {
 protected:
  // The event loop's destructor may throw, a test's may not.
  ~SlotsTest() noexcept override {}  // NOLINT(modernize-use-equals-default)
  bool has(kj::Promise<kj::Own<Slots::Slot>>& promise) { return promise.poll(io_.waitScope); }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  Slots slots_{1};
};

TEST_F(SlotsTest, AreGivenInTheOrderOfAsking) {
  auto first = slots_.take();
  auto second = slots_.take();
  auto third = slots_.take();
  EXPECT_TRUE(has(first));
  EXPECT_FALSE(has(second));
  first = nullptr;
  EXPECT_TRUE(has(second));
  EXPECT_FALSE(has(third));
  second.wait(io_.waitScope) = nullptr;
  EXPECT_TRUE(has(third));
}

TEST_F(SlotsTest, AreNotLostToThoseWhoLeftTheQueue) {
  auto first = slots_.take();
  auto second = slots_.take();
  auto third = slots_.take();
  second = nullptr;
  first = nullptr;
  third = nullptr;  // given, and never looked at
  auto fourth = slots_.take();
  EXPECT_TRUE(has(fourth));
}

}  // namespace
}  // namespace bulkhead::netd
