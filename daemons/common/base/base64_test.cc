#include "daemons/common/base/base64.h"

#include <gtest/gtest.h>

namespace bulkhead {
namespace {

// RFC 4648 §10, and the bytes that look like padding.
TEST(Base64, IsDecoded) {
  EXPECT_EQ(decodeBase64(""), "");
  EXPECT_EQ(decodeBase64("Zg=="), "f");
  EXPECT_EQ(decodeBase64("Zm8="), "fo");
  EXPECT_EQ(decodeBase64("Zm9v"), "foo");
  EXPECT_EQ(decodeBase64("Zm9vYmFy"), "foobar");
  EXPECT_EQ(decodeBase64("Zm9v\r\nYmFy\n"), "foobar");
  EXPECT_EQ(decodeBase64("AAAA"), std::string(3, '\0'));
  EXPECT_EQ(decodeBase64("+/+/"), "\xfb\xff\xbf");
}

TEST(Base64, IsNothingElse) {
  for (const char* text :
       {"Z", "Zg", "Zg=", "Zm8", "Zm9v=", "====", "Zg==Zg==", "Zm 9v", "Zm-v", "Zm9v Zm9v", "=Zm9"}) {
    EXPECT_FALSE(decodeBase64(text)) << text;
  }
}

TEST(Base64, TheAlphabetOfAddresses) {
  EXPECT_EQ(decodeBase64Url(""), "");
  EXPECT_EQ(decodeBase64Url("Zg"), "f");
  EXPECT_EQ(decodeBase64Url("Zm8="), "fo");
  EXPECT_EQ(decodeBase64Url("-_-_"), "\xfb\xff\xbf");
  for (const char* text : {"!!", "Z", "Zm9v!", "Zm 8"}) EXPECT_FALSE(decodeBase64Url(text)) << text;
}

}  // namespace
}  // namespace bulkhead
