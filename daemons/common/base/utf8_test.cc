#include "daemons/common/base/utf8.h"

#include <gtest/gtest.h>

namespace bulkhead {
namespace {

TEST(Utf8, TakesWhatIsUtf8) {
  for (const char* text : {"", "plain", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x9a\xa2", "\xf4\x8f\xbf\xbf"})
    EXPECT_TRUE(isUtf8(text)) << text;
}

TEST(Utf8, RefusesWhatIsNot) {
  for (const char* text : {"\xff", "a\x80", "\xc3", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80",
                           "\xf4\x90\x80\x80", "\xf0\x9f\x9a", "\xe2\x82z"})
    EXPECT_FALSE(isUtf8(text)) << text;
}

}  // namespace
}  // namespace bulkhead
