#include "daemons/cri-frontend/translate/quantity.h"

#include <gtest/gtest.h>

namespace bulkhead::cri {
namespace {

TEST(Quantity, IsWhatKubernetesMeans) {
  EXPECT_EQ(parseQuantity("0"), 0U);
  EXPECT_EQ(parseQuantity("1000"), 1000U);
  EXPECT_EQ(parseQuantity("+5"), 5U);
  EXPECT_EQ(parseQuantity("1k"), 1000U);
  EXPECT_EQ(parseQuantity("10M"), 10'000'000U);
  EXPECT_EQ(parseQuantity("1.1M"), 1'100'000U);
  EXPECT_EQ(parseQuantity("1.50G"), 1'500'000'000U);
  EXPECT_EQ(parseQuantity("1Ki"), 1024U);
  EXPECT_EQ(parseQuantity("1.5Mi"), 1'572'864U);
  EXPECT_EQ(parseQuantity("1E"), 1'000'000'000'000'000'000U);
  EXPECT_EQ(parseQuantity("1Ei"), 1ULL << 60);
  EXPECT_EQ(parseQuantity("2e6"), 2'000'000U);
  EXPECT_EQ(parseQuantity("2E+6"), 2'000'000U);
  EXPECT_EQ(parseQuantity("2500e-2"), 25U);
  EXPECT_EQ(parseQuantity(".5k"), 500U);
  EXPECT_EQ(parseQuantity("5."), 5U);
  EXPECT_EQ(parseQuantity(".0"), 0U);
}

TEST(Quantity, IsRoundedUp) {
  EXPECT_EQ(parseQuantity("1500m"), 2U);
  EXPECT_EQ(parseQuantity("1n"), 1U);
  EXPECT_EQ(parseQuantity("0.1"), 1U);
  EXPECT_EQ(parseQuantity("0m"), 0U);
}

TEST(Quantity, IsNothingElse) {
  for (const char* bad : {"",
                          "k",
                          ".",
                          "-1",
                          "1 k",
                          " 1",
                          "1kb",
                          "1K",
                          "1.2.3",
                          "1e",
                          "1ei",
                          "1e99",
                          "0x10",
                          "1e-",
                          "--1",
                          "1Zi",
                          "99999999999999999999",
                          "20E",
                          "10Mbit",
                          "ten"}) {
    EXPECT_FALSE(parseQuantity(bad)) << bad;
  }
}

}  // namespace
}  // namespace bulkhead::cri
