#include "daemons/shim/monitor/log-writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>

namespace bulkhead::shim {
namespace {

constexpr std::int64_t noon = 1'700'000'000'000'000'007;
const std::string stamp = "2023-11-14T22:13:20.000000007Z";

class LogWriterTest : public ::testing::Test {
 protected:
  LogWriterTest() : file_(::memfd_create("log", MFD_CLOEXEC)), writer_(duplicate(file_.get())) {}

  std::string text() {
    std::string all(1 << 20, '\0');
    ssize_t size = ::pread(file_.get(), all.data(), all.size(), 0);
    all.resize(static_cast<size_t>(size));
    return all;
  }

  Fd file_;
  LogWriter writer_;
};

TEST(Rfc3339, HasNineDigitsAndIsUtc) {
  EXPECT_EQ(rfc3339(noon), stamp);
}

TEST_F(LogWriterTest, AFullDiskDropsAndThenSaysSo) {
  (void)std::signal(SIGXFSZ, SIG_IGN);
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  struct rlimit tight {
    60, before.rlim_max
  };
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tight), 0);
  writer_.append(Stream::out, "first\n", noon);
  writer_.append(Stream::out, "is cut in the middle\n", noon);
  writer_.append(Stream::out, "is lost\n", noon);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  writer_.append(Stream::out, "after\n", noon);

  EXPECT_EQ(text().find(stamp + " stdout F first\n"), 0U);
  EXPECT_EQ(text().find("is lost"), std::string::npos);
  EXPECT_NE(text().find("\n" + stamp + " stderr F [bulkhead: "), std::string::npos);
  EXPECT_TRUE(text().ends_with("\n" + stamp + " stdout F after\n"));
}

TEST_F(LogWriterTest, LongLinesAreSplitAtSixteenKibibytes) {
  std::string line(40000, 'x');
  writer_.append(Stream::out, line + "\n", noon);
  std::string full = stamp + " stdout P " + std::string(16384, 'x') + "\n";
  EXPECT_EQ(text(), full + full + stamp + " stdout F " + std::string(40000 - 2 * 16384, 'x') + "\n");
}

TEST_F(LogWriterTest, ALineOfExactlyTheLimitEndsWithAnEmptyF) {
  writer_.append(Stream::out, std::string(16384, 'x') + "\n", noon);
  EXPECT_EQ(text(), stamp + " stdout P " + std::string(16384, 'x') + "\n" + stamp + " stdout F \n");
}

TEST_F(LogWriterTest, PiecesBecomeOneLineAndStreamsDoNotMix) {
  writer_.append(Stream::out, "he", noon);
  writer_.append(Stream::err, "oops\n", noon);
  writer_.append(Stream::out, "llo\n\nx", noon);
  EXPECT_EQ(text(), stamp + " stderr F oops\n" + stamp + " stdout F hello\n" + stamp + " stdout F \n");
  writer_.finish(Stream::out, noon);
  writer_.finish(Stream::err, noon);
  EXPECT_TRUE(text().ends_with(stamp + " stdout P x\n"));
}

TEST_F(LogWriterTest, AReopenedLogDividesTheBytes) {
  Fd next(::memfd_create("next", MFD_CLOEXEC));
  writer_.append(Stream::out, "before\nhalf", noon);
  writer_.append(Stream::err, "err", noon);
  writer_.reopen(duplicate(next.get()), noon);
  writer_.append(Stream::out, " a line\n", noon);
  writer_.append(Stream::err, "or\n", noon);
  EXPECT_EQ(text(), stamp + " stdout F before\n" + stamp + " stdout P half\n" + stamp + " stderr P err\n");
  file_ = std::move(next);
  EXPECT_EQ(text(), stamp + " stdout F  a line\n" + stamp + " stderr F or\n");
}

TEST_F(LogWriterTest, ATornEntryEndsInTheFileThatHasIt) {
  (void)std::signal(SIGXFSZ, SIG_IGN);
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  struct rlimit tight {
    10, before.rlim_max
  };
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tight), 0);
  writer_.append(Stream::out, "torn\n", noon);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  Fd next(::memfd_create("next", MFD_CLOEXEC));
  writer_.reopen(duplicate(next.get()), noon);
  writer_.append(Stream::out, "whole\n", noon);
  file_ = std::move(next);
  EXPECT_TRUE(text().starts_with(stamp));
  EXPECT_TRUE(text().ends_with(stamp + " stdout F whole\n"));
}

TEST_F(LogWriterTest, ControlBytesPassUnchanged) {
  writer_.append(Stream::out, std::string("a\0\x1b[1m\xff\r\n", 9), noon);
  EXPECT_EQ(text(), stamp + " stdout F " + std::string("a\0\x1b[1m\xff\r\n", 9));
}

}  // namespace
}  // namespace bulkhead::shim
