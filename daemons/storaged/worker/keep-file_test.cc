// An artifact's file on a temporary directory. Needs root: files are given to it.
#include "daemons/storaged/worker/keep-file.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/io.h"

namespace bulkhead::worker {
namespace {

class KeepFileTest : public ::testing::Test {
 protected:
  KeepFileTest() {
    std::string path = (std::filesystem::temp_directory_path() / "bulkhead-keep-XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr) throwErrno("mkdtemp");
    root_ = path;
  }
  ~KeepFileTest() override { std::filesystem::remove_all(root_); }

  Outcome<std::uint64_t> keep(const std::string& path, const std::string& bytes) {
    Fd input(::memfd_create("blob", MFD_CLOEXEC));
    EXPECT_TRUE(writeAll(input.get(), bytes));
    ::lseek(input.get(), 0, SEEK_SET);
    constexpr std::uint64_t enough = 1000;
    return keepFile(input.get(), openDirectory(root_).get(), path, enough);
  }

  std::string root_;
};

TEST_F(KeepFileTest, BytesBecomeTheFile) {
  auto kept = keep("models/tiny.bin", "weights");
  ASSERT_TRUE(kept) << describe(kept.error());
  EXPECT_EQ(readSmallFile(root_ + "/models/tiny.bin"), "weights");
  struct stat info {};
  ASSERT_EQ(::stat((root_ + "/models/tiny.bin").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode, S_IFREG | 0644U);
  EXPECT_EQ(info.st_uid, 0U);
}

TEST_F(KeepFileTest, NothingElseIsAFile) {
  for (const char* bad : {"", ".", "../x", "a/../../x", ".wh.x", ".wh..wh..opq"}) {
    auto kept = keep(bad, "x");
    ASSERT_FALSE(kept) << bad;
    EXPECT_EQ(kept.error().code, Code::invalidArgument) << bad;
  }
  EXPECT_TRUE(std::filesystem::is_empty(root_));
}

TEST_F(KeepFileTest, AnArtifactIsBounded) {
  EXPECT_TRUE(keep("whole", std::string(1000, 'x')));
  auto kept = keep("more", std::string(1001, 'x'));
  ASSERT_FALSE(kept);
  EXPECT_EQ(kept.error().code, Code::resourceExhausted);
}

}  // namespace
}  // namespace bulkhead::worker
