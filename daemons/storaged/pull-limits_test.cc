#include "daemons/storaged/pull-limits.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "ipc/limits.h"

namespace bulkhead::storaged {
namespace {

constexpr std::uint64_t MiB = 1024 * 1024;
constexpr PullLimits pull{1024 * MiB, 2048 * MiB, 100, 20};

TEST(PullLimits, SmallLayersMayBeMostlyPadding) {
  EXPECT_EQ(unpackedLimit(pull, 0), limits::unpackedFree);
  EXPECT_EQ(unpackedLimit(pull, 1000), limits::unpackedFree);
}

TEST(PullLimits, TheRatioCountsUntilTheSizeDoes) {
  EXPECT_EQ(unpackedLimit(pull, 10 * MiB), 200 * MiB);
  EXPECT_EQ(unpackedLimit(pull, 100 * MiB), 1024 * MiB);
  EXPECT_EQ(unpackedLimit(pull, ~std::uint64_t{0}), 1024 * MiB);
  EXPECT_EQ(unpackedLimit({10, 10, 10, 20}, 1000), 10U);
}

TEST(ImageBudget, IsNeverOverdrawn) {
  ImageBudget budget({1, 1000, 10, 1});
  EXPECT_TRUE(budget.takeBytes(600));
  EXPECT_FALSE(budget.takeBytes(401));
  EXPECT_TRUE(budget.takeBytes(400));
  EXPECT_TRUE(budget.takeBytes(0));
  EXPECT_FALSE(budget.takeBytes(1));
  std::atomic<int> taken = 0;
  std::vector<std::thread> layers;
  for (int layer = 0; layer < 4; ++layer) {
    layers.emplace_back([&] {
      for (int i = 0; i < 10; ++i) taken += budget.takeEntries(1) ? 1 : 0;
    });
  }
  for (std::thread& layer : layers) layer.join();
  EXPECT_EQ(taken, 10);
}

}  // namespace
}  // namespace bulkhead::storaged
