#include "daemons/common/base/log.h"

#include <gtest/gtest.h>

namespace bulkhead::log {
namespace {

std::string lineOf(const std::string& value) {
  testing::internal::CaptureStderr();
  warning("event", {{"name", value}});
  return testing::internal::GetCapturedStderr();
}

TEST(Log, KeepsReadableText) {
  EXPECT_EQ(printable("Größe 漢 🚢 a\"b\\c"), "Größe 漢 🚢 a\"b\\c");
  EXPECT_EQ(lineOf("größe"), "<4>bulkhead: event name=größe\n");
  EXPECT_EQ(lineOf("two words"), "<4>bulkhead: event name=\"two words\"\n");
}

TEST(Log, EscapesWhatMovesATerminal) {
  EXPECT_EQ(printable("a\n\x1b[2J\x7f"), "a\\x0a\\x1b[2J\\x7f");
  EXPECT_EQ(printable("\xc2\x9b"
                      "2J"),
            "\\xc2\\x9b2J");  // CSI as a C1 control character
  EXPECT_EQ(printable("\x9b"
                      "2J"),
            "\\x9b2J");                                                // and as a bare byte
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf");                      // overlong
  EXPECT_EQ(printable("\xed\xa0\x80 \xf5"), "\\xed\\xa0\\x80 \\xf5");  // a surrogate, and beyond
  EXPECT_EQ(printable("ä", 1), "\\xc3…");
}

TEST(Log, AFieldCannotForgeAnother) {
  EXPECT_EQ(lineOf("x\" uid=\"0"), "<4>bulkhead: event name=\"x\\x22 uid=\\x220\"\n");
  EXPECT_EQ(lineOf("x\\"), "<4>bulkhead: event name=x\\x5c\n");
}

}  // namespace
}  // namespace bulkhead::log
