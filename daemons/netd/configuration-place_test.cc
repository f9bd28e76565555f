#include "daemons/netd/configuration-place.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace bulkhead::netd {
namespace {

namespace fs = std::filesystem;

class ConfigurationPlaceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/place-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    path_ = pattern;
    fs::create_directories(path_ + "/cni/net.d");
    fs::create_directories(path_ + "/other/net.d");
  }
  void TearDown() override { fs::remove_all(path_); }

  std::string path_;
};

TEST_F(ConfigurationPlaceTest, IsWhereItWasWhateverHappensBeneathTheParent) {
  ConfigurationPlace place(path_ + "/cni/net.d");
  EXPECT_FALSE(place.moved());
  fs::remove_all(path_ + "/cni/net.d");
  EXPECT_FALSE(place.moved());
  fs::create_directory(path_ + "/cni/net.d");
  EXPECT_FALSE(place.moved());
}

TEST_F(ConfigurationPlaceTest, HasMovedWithAParentThatWasReplaced) {
  ConfigurationPlace place(path_ + "/cni/net.d");
  fs::rename(path_ + "/cni", path_ + "/old");
  EXPECT_FALSE(place.moved()) << "gone, and nothing in its place";
  fs::create_directories(path_ + "/cni");
  EXPECT_TRUE(place.moved());
}

TEST_F(ConfigurationPlaceTest, HasMovedWithALinkThatPointsElsewhere) {
  fs::remove_all(path_ + "/cni/net.d");
  fs::create_symlink(path_ + "/other/net.d", path_ + "/cni/net.d");
  ConfigurationPlace place(path_ + "/cni/net.d");
  EXPECT_FALSE(place.moved());
  fs::create_directories(path_ + "/third/net.d");
  fs::remove(path_ + "/cni/net.d");
  fs::create_symlink(path_ + "/third/net.d", path_ + "/cni/net.d");
  EXPECT_TRUE(place.moved());
}

}  // namespace
}  // namespace bulkhead::netd
