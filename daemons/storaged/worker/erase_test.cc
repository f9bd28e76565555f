#include "daemons/storaged/worker/erase.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "daemons/common/base/beneath.h"
#include "daemons/storaged/worker/measure.h"

namespace bulkhead::worker {
namespace {

class EraseTest : public ::testing::Test {
 protected:
  EraseTest() {
    std::string path = (std::filesystem::temp_directory_path() / "bulkhead-erase-XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr) throwErrno("mkdtemp");
    top_ = path;
    tree_ = top_ + "/tree";
    std::filesystem::create_directory(tree_);
    std::ofstream(top_ + "/outside") << "kept";
  }
  ~EraseTest() override {
    EXPECT_TRUE(std::filesystem::exists(top_ + "/outside"));
    std::filesystem::remove_all(top_);
  }
  // Deeper than measure() looks; 1200 levels are a path of 2,400 bytes.
  void digDeep(int levels) {
    Fd at = openDirectory(tree_);
    for (int i = 0; i < levels; ++i) {
      at = makeDirectory(at.get(), "d", 0700);
      Fd(::openat(at.get(), "f", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    }
  }
  std::string top_;
  std::string tree_;
};

TEST_F(EraseTest, EmptiesADeepAndWideTree) {
  digDeep(1200);
  for (int i = 0; i < 2000; ++i) std::ofstream(tree_ + "/f" + std::to_string(i));
  std::filesystem::create_directories(tree_ + "/.bulkhead-erase.0/x/y");
  std::filesystem::create_symlink(top_ + "/outside", tree_ + "/link");
  std::filesystem::create_directory_symlink(top_, tree_ + "/up");
  std::filesystem::create_directories(tree_ + "/closed/inner");
  std::filesystem::permissions(tree_ + "/closed", std::filesystem::perms::owner_all);
  auto erased = eraseContents(openDirectory(tree_).get());
  ASSERT_TRUE(erased) << describe(erased.error());
  EXPECT_TRUE(std::filesystem::is_empty(tree_));
}

TEST_F(EraseTest, ErasesOneEntryOfAnyKind) {
  Fd top = openDirectory(tree_);
  std::filesystem::create_directories(tree_ + "/d/e/f");
  std::filesystem::create_directory_symlink(top_, tree_ + "/up");
  for (const char* name : {"d", "up", "absent"}) EXPECT_TRUE(eraseEntry(top.get(), name)) << name;
  EXPECT_TRUE(std::filesystem::is_empty(tree_));
}

TEST_F(EraseTest, MeasuresHardLinksOnceAndDoesNotFollow) {
  std::ofstream(tree_ + "/f") << std::string(100'000, 'x');
  std::filesystem::create_hard_link(tree_ + "/f", tree_ + "/g");
  std::filesystem::create_directory_symlink(top_, tree_ + "/up");
  std::filesystem::create_directories(tree_ + "/a/b");
  auto counted = measure(openDirectory(tree_).get());
  ASSERT_TRUE(counted);
  EXPECT_EQ(counted->inodes, 4U);
  EXPECT_GE(counted->bytes, 100'000U);
  EXPECT_LT(counted->bytes, 200'000U);
}

TEST_F(EraseTest, MeasuringADeepTreeEnds) {
  digDeep(400);
  EXPECT_TRUE(measure(openDirectory(tree_).get()));
}

}  // namespace
}  // namespace bulkhead::worker
