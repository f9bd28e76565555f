#include "daemons/imaged/turns.h"

#include <gtest/gtest.h>
#include <kj/async-io.h>

#include <vector>

namespace bulkhead::imaged {
namespace {

class TurnsTest : public ::testing::Test {
 protected:
  // The event loop's destructor may throw, a test's may not.
  ~TurnsTest() noexcept override {}  // NOLINT(modernize-use-equals-default)

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  Turns turns_{2};
};

TEST_F(TurnsTest, AreGivenInOrder) {
  auto first = turns_.take().wait(io_.waitScope);
  auto second = turns_.take().wait(io_.waitScope);
  auto third = turns_.take();
  auto fourth = turns_.take();
  EXPECT_FALSE(third.poll(io_.waitScope));
  second = nullptr;
  EXPECT_TRUE(third.poll(io_.waitScope));
  EXPECT_FALSE(fourth.poll(io_.waitScope));
  first = nullptr;
  EXPECT_TRUE(fourth.poll(io_.waitScope));
}

TEST_F(TurnsTest, PassOverWhoGaveUp) {
  auto first = turns_.take().wait(io_.waitScope);
  auto second = turns_.take().wait(io_.waitScope);
  { auto dropped = turns_.take(); }
  auto patient = turns_.take();
  first = nullptr;
  EXPECT_TRUE(patient.poll(io_.waitScope));
}

TEST_F(TurnsTest, AreNotLostWithAPromiseThatHadOne) {
  auto first = turns_.take().wait(io_.waitScope);
  { auto never = turns_.take(); }
  EXPECT_TRUE(turns_.take().poll(io_.waitScope));
}

}  // namespace
}  // namespace bulkhead::imaged
