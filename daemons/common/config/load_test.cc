// The whole way: files, a confined child, one message. BULKHEAD_PROGRAMS is where the build puts
// bulkhead-config.
#include "daemons/common/config/load.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace bulkhead {
namespace {

namespace fs = std::filesystem;

class LoadConfig : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/bulkhead-config-test-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
    ::umask(022);
    options_.configFile = directory_ / "bulkhead.toml";
    options_.ceilingFile = directory_ / "ceiling.toml";
    options_.library = BULKHEAD_PROGRAMS;
  }
  void TearDown() override { fs::remove_all(directory_); }

  void write(const std::string& name, const std::string& text) {
    fs::create_directories((directory_ / name).parent_path());
    std::ofstream(directory_ / name) << text;
  }
  std::string errorOf() {
    try {
      (void)loadConfig(options_);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  }

  fs::path directory_;
  jail::Options options_;
};

TEST_F(LoadConfig, HasDefaultsWithoutFiles) {
  LoadedConfig config = loadConfig(options_);
  EXPECT_STREQ(config.get().getDefaultRuntime().cStr(), "crun");
  EXPECT_STREQ(config.get().getCeiling().getProfile().cStr(), "baseline");
}

TEST_F(LoadConfig, ReadsDropInsInOrder) {
  write("bulkhead.toml", "log_level = \"error\"\ncgroup_parent = \"/mine\"\n");
  write("bulkhead.toml.d/20-b.toml", "log_level = \"debug\"\n");
  write("bulkhead.toml.d/10-a.toml", "log_level = \"info\"\n");
  write("bulkhead.toml.d/ignored.txt", "nonsense");
  write("ceiling.toml.d/x.toml", "profile = \"permissive\"\n");
  LoadedConfig config = loadConfig(options_);
  EXPECT_STREQ(config.get().getLogLevel().cStr(), "debug");
  EXPECT_STREQ(config.get().getCgroupParent().cStr(), "/mine");
  EXPECT_TRUE(config.get().getCeiling().getPrivileged());
}

TEST_F(LoadConfig, SaysWhichFileAndLineIsWrong) {
  write("bulkhead.toml", "\n[runtimes.x]\npth = \"/x\"\n");
  EXPECT_EQ(errorOf(), "bulkhead.toml:3: unknown key 'runtimes.x.pth'");
  write("bulkhead.toml", "");
  write("bulkhead.toml.d/a.toml", "x = 1\n");
  EXPECT_EQ(errorOf(), "bulkhead.toml.d/a.toml:1: unknown key 'x'");
}

TEST_F(LoadConfig, RefusesFilesThatOthersCanWrite) {
  write("ceiling.toml", "");
  ASSERT_EQ(::chmod((directory_ / "ceiling.toml").c_str(), 0664), 0);
  EXPECT_EQ(errorOf(), "ceiling.toml: is writable by group or others");
  fs::remove(directory_ / "ceiling.toml");
  write("bulkhead.toml", "");
  if (::chown((directory_ / "bulkhead.toml").c_str(), 12345, 12345) != 0) GTEST_SKIP() << "needs root";
  EXPECT_EQ(errorOf(), "bulkhead.toml: is not owned by root");
}

TEST_F(LoadConfig, SurvivesAReaderThatIsNotThere) {
  options_.library = directory_;
  EXPECT_NE(errorOf().find("gave no answer"), std::string::npos);
}

TEST_F(LoadConfig, SurvivesAFileThatBreaksTheParser) {
  write("bulkhead.toml", "x = " + std::string(500000, '['));
  EXPECT_NE(errorOf(), "");
  write("bulkhead.toml", std::string(2 * 1024 * 1024, '#'));
  EXPECT_EQ(errorOf(), "bulkhead.toml: is larger than 1 MiB");
}

TEST_F(LoadConfig, LeavesNoProcessAndNoDescriptor) {
  auto open = [] { return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()); };
  auto before = open();
  (void)loadConfig(options_);
  EXPECT_EQ(open(), before);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
}

}  // namespace
}  // namespace bulkhead
