#include "cli/table.h"

#include <gtest/gtest.h>

namespace bulkhead::cli {
namespace {

TEST(Table, alignsColumns) {
  Table table({"NAME", "N"});
  table.add({"a", "100"});
  table.add({"länger", "2"});
  table.add({"short"});
  EXPECT_EQ(table.text(), "NAME    N\na       100\nlänger  2\nshort\n");
}

TEST(Table, escapesControlBytes) {
  Table table({"X"});
  table.add({"\x1b[2Jevil\n"});
  EXPECT_EQ(table.text(), "X\n\\x1b[2Jevil\\x0a\n");
}

TEST(Table, writesSizes) {
  EXPECT_EQ(bytesText(0), "0 B");
  EXPECT_EQ(bytesText(1023), "1023 B");
  EXPECT_EQ(bytesText(1536), "1.5 KiB");
  EXPECT_EQ(bytesText(3 << 20), "3.0 MiB");
  EXPECT_EQ(bytesText(~std::uint64_t{0}), "16384.0 PiB");
}

TEST(Table, writesAges) {
  constexpr std::int64_t second = 1'000'000'000;
  EXPECT_EQ(ageText(0, second), "-");
  EXPECT_EQ(ageText(1 * second, 6 * second), "5s");
  EXPECT_EQ(ageText(1, 180 * second + 1), "3m");
  EXPECT_EQ(ageText(1, 7200 * second + 1), "2h");
  EXPECT_EQ(ageText(1, 96 * 3600 * second + 1), "4d");
  EXPECT_EQ(ageText(9 * second, second), "0s");
}

TEST(Table, shortensIds) {
  EXPECT_EQ(shortId("sha256:0123456789abcdef"), "0123456789abc");
  EXPECT_EQ(shortId("0123456789abcdef"), "0123456789abc");
  EXPECT_EQ(shortId("01"), "01");
}

}  // namespace
}  // namespace bulkhead::cli
