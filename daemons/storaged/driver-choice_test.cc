#include "daemons/storaged/driver-choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace bulkhead::storaged {
namespace {

class DriverChoiceTest : public testing::Test {
 protected:
  DriverChoiceTest() {
    std::string pattern = std::filesystem::temp_directory_path() / "driver-choice-XXXXXX";
    store_ = ::mkdtemp(pattern.data());
  }
  ~DriverChoiceTest() override { std::filesystem::remove_all(store_); }

  // `overlay`, `btrfs`: why they do not work; empty if they do.
  Driver choose(const std::string& configured, const std::string& overlay = "",
                const std::string& btrfs = "") {
    return chooseDriver(store_, configured, [&]() {
      ++probes_;
      return DriversFound{overlay, btrfs};
    });
  }
  std::string whyNot(const std::string& configured, const std::string& overlay = "") {
    try {
      (void)choose(configured, overlay, "no btrfs");
      return "";
    } catch (const std::runtime_error& error) {
      return error.what();
    }
  }
  void write(const std::string& text) { std::ofstream(store_ + "/driver") << text; }

  std::string store_;
  int probes_ = 0;
};

TEST_F(DriverChoiceTest, AutoIsTheFirstThatWorks) {
  EXPECT_EQ(choose("auto"), Driver::overlay);
  std::filesystem::remove(store_ + "/driver");
  EXPECT_EQ(choose("auto", "no overlay"), Driver::btrfs);
  std::filesystem::remove(store_ + "/driver");
  EXPECT_EQ(choose("auto", "no overlay", "no btrfs"), Driver::vfs);
}

TEST_F(DriverChoiceTest, StaysWhateverTheFileSystemBecomes) {
  EXPECT_EQ(choose("auto", "no overlay", "no btrfs"), Driver::vfs);
  EXPECT_EQ(choose("auto"), Driver::vfs);
  EXPECT_EQ(choose("vfs"), Driver::vfs);
  EXPECT_EQ(probes_, 1);
  EXPECT_THAT(whyNot("overlay"), testing::HasSubstr("was made by 'vfs'"));
  struct stat info {};
  ASSERT_EQ(::stat((store_ + "/driver").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600U);
}

TEST_F(DriverChoiceTest, OneThatDoesNotWorkIsRefusedAndNotRecorded) {
  EXPECT_THAT(whyNot("overlay", "user extended attributes: none"),
              testing::HasSubstr("user extended attributes: none"));
  EXPECT_THAT(whyNot("btrfs"), testing::HasSubstr("no btrfs"));
  EXPECT_EQ(whyNot("vfs"), "");
}

TEST_F(DriverChoiceTest, ARecordThatIsNoneIsNoGuess) {
  for (const char* text : {"", "overlay", "zfs\n", "overlay\n\n", "vfs\nvfs\n"}) {
    write(text);
    EXPECT_THAT(whyNot("auto"), testing::HasSubstr("does not name a driver")) << text;
  }
  std::filesystem::remove(store_ + "/driver");
  std::filesystem::create_symlink("/etc/hostname", store_ + "/driver");
  EXPECT_NE(whyNot("auto"), "");
  EXPECT_EQ(probes_, 0);
}

}  // namespace
}  // namespace bulkhead::storaged
