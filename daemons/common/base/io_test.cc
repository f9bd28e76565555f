#include "daemons/common/base/io.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/log.h"
#include "daemons/common/base/process.h"

namespace bulkhead {
namespace {

class Directory : public testing::Test {
 protected:
  Directory() {
    char name[] = "/tmp/bulkhead-base-XXXXXX";
    path_ = ::mkdtemp(name);
    fd_ = openDirectory(path_);
  }
  ~Directory() override { std::filesystem::remove_all(path_); }

  std::string path_;
  Fd fd_;
};

TEST_F(Directory, BoundedReadStopsAtTheLimit) {
  std::ofstream(path_ + "/f") << std::string(1000, 'x');
  Fd whole = openBeneath(fd_.get(), "f", O_RDONLY);
  EXPECT_EQ(readBounded(whole.get(), 1000)->size(), 1000U);
  Fd again = openBeneath(fd_.get(), "f", O_RDONLY);
  EXPECT_FALSE(readBounded(again.get(), 999));
}

TEST_F(Directory, ReplaceIsOldOrNew) {
  replaceDurably(fd_.get(), "record", "one", 0600);
  replaceDurably(fd_.get(), "record", "two", 0600);
  EXPECT_EQ(readSmallFile(path_ + "/record"), "two");
  EXPECT_FALSE(std::filesystem::exists(path_ + "/.record.new"));
}

TEST_F(Directory, NothingOutsideIsOpenedBeneath) {
  std::filesystem::create_directory(path_ + "/in");
  std::filesystem::create_symlink("/etc", path_ + "/in/absolute");
  std::filesystem::create_symlink("in", path_ + "/relative");
  Fd in = openDirectory(path_ + "/in");
  for (const char* way : {"..", "../..", "/etc", "absolute", "absolute/passwd", "../relative"}) {
    EXPECT_FALSE(tryOpenBeneath(in.get(), way, O_PATH).valid()) << way;
  }
  EXPECT_FALSE(tryOpenBeneath(fd_.get(), "relative", O_PATH).valid()) << "a symlink inside is refused too";
  EXPECT_FALSE(tryOpenBeneath(fd_.get(), std::string("in\0x", 4), O_PATH).valid()) << "embedded NUL";
  EXPECT_TRUE(tryOpenBeneath(fd_.get(), "in", O_PATH).valid());
}

TEST_F(Directory, InRootAnAbsoluteLinkStaysInside) {
  std::filesystem::create_directories(path_ + "/etc");
  std::ofstream(path_ + "/etc/mine") << "mine";
  std::filesystem::create_symlink("/etc/mine", path_ + "/link");
  Fd link = tryOpenInRoot(fd_.get(), "link", O_RDONLY);
  ASSERT_TRUE(link.valid());
  EXPECT_EQ(readBounded(link.get(), 100), "mine");
}

TEST(Log, EscapesControlBytesAndCutsLongFields) {
  EXPECT_EQ(log::printable("a\nb\x1b[0m"), "a\\x0ab\\x1b[0m");
  EXPECT_EQ(log::printable(std::string(600, 'x')).size(), 512 + std::string("…").size());
}

TEST(Process, WaitsWithADeadline) {
  pid_t child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  EXPECT_FALSE(waitFor(child, std::chrono::milliseconds(20)));
  ::kill(child, SIGKILL);
  auto ended = waitFor(child, std::nullopt);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->code, 128 + SIGKILL);
  EXPECT_TRUE(ended->signalled);
}

TEST(Process, StartTimeNamesALiveProcessOnly) {
  EXPECT_GT(processStartTime(::getpid()), 0U);
  EXPECT_EQ(processStartTime(0x3ffffff), 0U);
}

TEST(Process, SpawnedProgramHasOnlyItsDescriptors) {
  auto out = makePipe();
  pid_t child =
      spawnProgram("/bin/sh", {"-c", "echo /proc/self/fd/* >&3; echo env:$HOME >&3"}, {out.write.get()});
  out.write.reset();
  std::string said = readBounded(out.read.get(), 4096).value_or("");
  EXPECT_EQ(waitFor(child, std::nullopt)->code, 0);
  EXPECT_NE(said.find("/proc/self/fd/3"), said.npos) << said;
  EXPECT_EQ(said.find("/proc/self/fd/5"), said.npos) << said;  // 4 may be the glob's own directory
  EXPECT_NE(said.find("env:\n"), said.npos) << said;
}

}  // namespace
}  // namespace bulkhead
