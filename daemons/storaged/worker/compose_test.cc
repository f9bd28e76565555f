// Needs root: owners, device nodes.
#include "daemons/storaged/worker/compose.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/error.h"

namespace bulkhead::worker {
namespace {

namespace fs = std::filesystem;

class ComposeTest : public testing::Test {
 protected:
  ComposeTest() {
    std::string pattern = fs::temp_directory_path() / "compose-test-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
    fs::create_directory(path_ + "/target");
  }
  ~ComposeTest() override { fs::remove_all(path_); }

  // A new layer on top; its path with a slash.
  std::string addLayer() {
    std::string layer = path_ + "/" + std::to_string(layers_.size());
    fs::create_directory(layer);
    layers_.push_back(layer);
    return layer + "/";
  }
  static void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }
  static void whiteout(const std::string& path) { ASSERT_EQ(::mknod(path.c_str(), S_IFCHR, 0), 0); }
  static void opaque(const std::string& path) {
    ASSERT_EQ(::setxattr(path.c_str(), "user.overlay.opaque", "y", 1, 0), 0);
  }
  static struct stat infoOf(const std::string& path) {
    struct stat info {};
    EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
    return info;
  }
  std::string text(const std::string& name) const {
    std::ifstream file(path_ + "/target/" + name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  bool exists(const std::string& name) const {
    return fs::symlink_status(path_ + "/target/" + name).type() != fs::file_type::not_found;
  }

  Counted run(bool ontoLayer = false) {
    std::vector<Fd> open;
    for (const std::string& layer : layers_) open.push_back(openDirectory(layer));
    auto counted = compose(openDirectory(path_ + "/target").get(), ontoLayer, open);
    EXPECT_TRUE(counted) << describe(counted.error());
    return counted.value_or(Counted{});
  }

  std::string path_;
  std::vector<std::string> layers_;
};

TEST_F(ComposeTest, WhatIsAboveReplacesWhatIsBeneath) {
  std::string base = addLayer();
  fs::create_directories(base + "dir/deep");
  write(base + "dir/deep/file", "old");
  write(base + "becomes-directory", "file");
  fs::create_directory(base + "becomes-file");
  write(base + "becomes-file/inside", "x");
  fs::create_symlink("/etc/passwd", base + "becomes-real");
  std::string top = addLayer();
  fs::create_directories(top + "dir/deep");
  write(top + "dir/deep/file", "new");
  fs::create_directory(top + "becomes-directory");
  write(top + "becomes-directory/inside", "y");
  write(top + "becomes-file", "z");
  write(top + "becomes-real", "real");
  run();
  EXPECT_EQ(text("dir/deep/file"), "new");
  EXPECT_EQ(text("becomes-directory/inside"), "y");
  EXPECT_EQ(text("becomes-file"), "z");
  EXPECT_EQ(text("becomes-real"), "real");
  EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(path_ + "/target/becomes-real")));
}

TEST_F(ComposeTest, MarksRemoveAndDoNotStay) {
  std::string base = addLayer();
  for (const char* name : {"opaque", "kept", "kept/gone"}) fs::create_directory(base + name);
  write(base + "opaque/old", "x");
  write(base + "kept/gone/file", "x");
  write(base + "gone", "x");
  std::string top = addLayer();
  fs::create_directory(top + "opaque");
  opaque(top + "opaque");
  write(top + "opaque/new", "x");
  fs::create_directory(top + "kept");
  whiteout(top + "kept/gone");
  whiteout(top + "gone");
  whiteout(top + "never-there");
  run();
  for (const char* name : {"opaque/old", "kept/gone", "gone", "never-there"})
    EXPECT_FALSE(exists(name)) << name;
  EXPECT_TRUE(exists("opaque/new"));
  EXPECT_TRUE(exists("kept"));
  EXPECT_EQ(::getxattr((path_ + "/target/opaque").c_str(), "user.overlay.opaque", nullptr, 0), -1);
}

TEST_F(ComposeTest, ASnapshotOfALayerLosesItsMarks) {
  std::string base = path_ + "/target/";
  fs::create_directories(base + "dir/opaque");
  opaque(base + "dir/opaque");
  opaque(path_ + "/target");
  whiteout(base + "dir/whiteout");
  write(base + "dir/file", "x");
  ASSERT_EQ(::mknod((base + "dir/null").c_str(), S_IFCHR | 0666, ::makedev(1, 3)), 0);
  const struct timespec then[2] = {{0, UTIME_OMIT}, {1700000000, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, (base + "dir").c_str(), then, 0), 0);
  run(true);
  EXPECT_FALSE(exists("dir/whiteout"));
  EXPECT_TRUE(exists("dir/null"));
  EXPECT_TRUE(exists("dir/file"));
  EXPECT_EQ(::getxattr((base + "dir/opaque").c_str(), "user.overlay.opaque", nullptr, 0), -1);
  EXPECT_EQ(::getxattr(base.c_str(), "user.overlay.opaque", nullptr, 0), -1);
  EXPECT_EQ(infoOf(base + "dir").st_mtim.tv_sec, 1700000000);
}

TEST_F(ComposeTest, KeepsWhatAFileIs) {
  std::string base = addLayer();
  fs::create_directory(base + "dir");
  ASSERT_EQ(::setxattr((base + "dir").c_str(), "user.of", "base", 4, 0), 0);
  std::string top = addLayer();
  fs::create_directory(top + "dir");
  write(top + "dir/file", "text");
  std::string file = top + "dir/file";
  ASSERT_EQ(::chown(file.c_str(), 70000, 80000), 0);
  ASSERT_EQ(::chmod(file.c_str(), 04751), 0);
  ASSERT_EQ(::setxattr(file.c_str(), "user.mine", "yes", 3, 0), 0);
  ASSERT_EQ(::setxattr(file.c_str(), "user.overlay.metacopy", "", 0, 0), 0);
  const struct timespec then[2] = {{0, UTIME_OMIT}, {1600000000, 123456789}};
  ASSERT_EQ(::utimensat(AT_FDCWD, file.c_str(), then, 0), 0);
  ASSERT_EQ(::chmod((top + "dir").c_str(), 02710), 0);
  ASSERT_EQ(::utimensat(AT_FDCWD, (top + "dir").c_str(), then, 0), 0);
  ASSERT_EQ(::mkfifo((top + "fifo").c_str(), 0620), 0);
  run();
  std::string target = path_ + "/target/";
  struct stat info = infoOf(target + "dir/file");
  EXPECT_EQ(info.st_uid, 70000U);
  EXPECT_EQ(info.st_gid, 80000U);
  EXPECT_EQ(info.st_mode & 07777, 04751U);
  EXPECT_EQ(info.st_mtim.tv_nsec, 123456789);
  EXPECT_EQ(::getxattr((target + "dir/file").c_str(), "user.mine", nullptr, 0), 3);
  EXPECT_EQ(::getxattr((target + "dir/file").c_str(), "user.overlay.metacopy", nullptr, 0), -1);
  EXPECT_EQ(infoOf(target + "dir").st_mode & 07777, 02710U);
  EXPECT_EQ(infoOf(target + "dir").st_mtim.tv_sec, 1600000000);
  EXPECT_EQ(::getxattr((target + "dir").c_str(), "user.of", nullptr, 0), -1);  // the upper directory has none
  EXPECT_TRUE(S_ISFIFO(infoOf(target + "fifo").st_mode));
}

TEST_F(ComposeTest, LinksStayLinksWithinALayer) {
  std::string base = addLayer();
  write(base + "a", "shared");
  fs::create_directory(base + "z");
  fs::create_hard_link(base + "a", base + "z/b");
  fs::create_hard_link(base + "a", base + "c");
  std::string top = addLayer();
  write(top + "c", "own");
  Counted counted = run();
  EXPECT_EQ(infoOf(path_ + "/target/a").st_ino, infoOf(path_ + "/target/z/b").st_ino);
  EXPECT_EQ(infoOf(path_ + "/target/a").st_nlink, 2U);
  EXPECT_EQ(text("c"), "own");
  EXPECT_EQ(text("z/b"), "shared");
  EXPECT_EQ(counted.inodes, 3U);
}

TEST_F(ComposeTest, HolesStayHoles) {
  std::string base = addLayer();
  constexpr off_t large = 1LL << 33;
  write(base + "sparse", "begin");
  ASSERT_EQ(::truncate((base + "sparse").c_str(), large), 0);
  Counted counted = run();
  EXPECT_EQ(infoOf(path_ + "/target/sparse").st_size, large);
  EXPECT_LT(infoOf(path_ + "/target/sparse").st_blocks, 1024);
  EXPECT_LT(counted.bytes, 1024U * 1024);
  std::string begin(5, '\0');
  std::ifstream(path_ + "/target/sparse").read(begin.data(), 5);
  EXPECT_EQ(begin, "begin");
}

TEST_F(ComposeTest, DepthCostsNoDescriptors) {
  std::string path = addLayer();
  for (int i = 0; i < 1200; ++i) fs::create_directory(path += "d/");
  write(path + "f", "deep");
  EXPECT_EQ(run().inodes, 1201U);
}

}  // namespace
}  // namespace bulkhead::worker
