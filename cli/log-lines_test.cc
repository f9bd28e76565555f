#include "cli/log-lines.h"

#include <gtest/gtest.h>

namespace bulkhead::cli {
namespace {

constexpr const char* time = "2016-10-06T00:17:09.669794202Z ";

TEST(LogLines, parsesAnEntry) {
  std::string line = std::string(time) + "stderr F hello  world";
  auto entry = parseLogEntry(line);
  ASSERT_TRUE(entry);
  EXPECT_TRUE(entry->isStderr);
  EXPECT_FALSE(entry->partial);
  EXPECT_EQ(entry->payload, "hello  world");
  EXPECT_EQ(entry->time, "2016-10-06T00:17:09.669794202Z");
}

TEST(LogLines, parsesPiecesTagsAndEmptyPayloads) {
  EXPECT_TRUE(parseLogEntry(std::string(time) + "stdout P x")->partial);
  std::string tagged = std::string(time) + "stdout P:more x";
  EXPECT_TRUE(parseLogEntry(tagged)->partial);
  EXPECT_EQ(parseLogEntry(tagged)->payload, "x");
  EXPECT_EQ(parseLogEntry(std::string(time) + "stdout F ")->payload, "");
  EXPECT_EQ(parseLogEntry(std::string(time) + "stdout F")->payload, "");
}

TEST(LogLines, refusesOtherFormats) {
  for (const char* line : {"", "x", "a b", "t stdout X y", "t stdio F y", "t stdout  y", " stdout F y"}) {
    EXPECT_FALSE(parseLogEntry(line)) << line;
  }
}

TEST(LogLines, joinsPiecesAndSeparatesStreams) {
  LogReader reader;
  auto output =
      reader.feed(std::string(time) + "stdout P one\n" + time + "stderr F bad\n" + time + "stdout F  two\n");
  EXPECT_EQ(output.standard, "one two\n");
  EXPECT_EQ(output.error, "bad\n");
}

TEST(LogLines, waitsForTheRestOfALine) {
  LogReader reader;
  EXPECT_EQ(reader.feed(std::string(time) + "stdout F hal").standard, "");
  EXPECT_EQ(reader.feed("f\n").standard, "half\n");
  EXPECT_EQ(reader.feed("garbage\n").standard, "garbage\n");
}

}  // namespace
}  // namespace bulkhead::cli
