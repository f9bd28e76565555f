#include "daemons/netd/conflist-directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "daemons/netd/readiness.h"

namespace bulkhead::netd {
namespace {

using ::testing::HasSubstr;

std::string network(const std::string& name, const std::string& plugin = "bridge") {
  return R"({"cniVersion":"1.0.0","name":")" + name + R"(","plugins":[{"type":")" + plugin + R"("}]})";
}

class ConflistDirectoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/conflists-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    path_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(path_); }

  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(path_ + "/net.d");
    std::ofstream(path_ + "/net.d/" + name) << text;
  }
  std::string directory() const { return path_ + "/net.d"; }

  std::string path_;
};

TEST_F(ConflistDirectoryTest, SaysWhyThereIsNoNetwork) {
  ConflistDirectory conflists(directory(), "");
  EXPECT_THAT(describe(conflists.current().error()), HasSubstr("No such file"));
  write("10-bad.conflist", "{");
  EXPECT_THAT(describe(conflists.current().error()), HasSubstr("10-bad.conflist: is not valid JSON"));
  write("20-big.conflist", std::string(1024 * 1024 + 1, ' '));
  EXPECT_THAT(describe(conflists.current().error()), HasSubstr("larger than 1 MiB"));
}

TEST_F(ConflistDirectoryTest, TakesTheFirstValidFileByName) {
  write("20-b.conflist", network("b"));
  write("10-a.conf", "nonsense");
  write("05-ignored.txt", network("ignored"));
  write(".hidden.conflist", network("hidden"));
  ConflistDirectory conflists(directory(), "");
  ASSERT_TRUE(conflists.current());
  EXPECT_EQ(conflists.current()->name, "b");
}

TEST_F(ConflistDirectoryTest, TakesTheDefaultNetworkByItsName) {
  write("10-a.conflist", network("a"));
  ConflistDirectory conflists(directory(), "b");
  EXPECT_THAT(describe(conflists.current().error()), HasSubstr("no network is named b"));
  write("20-b.conflist", network("b"));
  EXPECT_EQ(conflists.current()->name, "b");
}

TEST_F(ConflistDirectoryTest, FollowsChangesAndAReplacedDirectory) {
  ConflistDirectory conflists(directory(), "");
  EXPECT_FALSE(conflists.current());
  write("10.conflist", network("one"));
  EXPECT_EQ(conflists.current()->name, "one");
  write("10.conflist", network("other"));
  EXPECT_EQ(conflists.current()->name, "other");
  std::filesystem::remove_all(directory());
  EXPECT_FALSE(conflists.current());
  write("10.conflist", network("again"));
  EXPECT_EQ(conflists.current()->name, "again");
}

TEST_F(ConflistDirectoryTest, IsReadyOnlyWithItsPluginsInstalled) {
  ConflistDirectory conflists(directory(), "");
  EXPECT_EQ(readinessOf(conflists, {path_}).reason, "NetworkPluginNotReady");
  write("10.conflist", network("net", "our-plugin"));
  Readiness readiness = readinessOf(conflists, {"/nowhere", path_});
  EXPECT_FALSE(readiness.ready);
  EXPECT_THAT(readiness.message, HasSubstr("our-plugin"));
  std::ofstream(path_ + "/our-plugin") << "";
  EXPECT_TRUE(readinessOf(conflists, {"/nowhere", path_}).ready);
}

TEST_F(ConflistDirectoryTest, PassesOverWhatOthersMayWrite) {
  write("10-others.conflist", network("others"));
  write("20-ours.conflist", network("ours"));
  std::filesystem::permissions(directory() + "/10-others.conflist", std::filesystem::perms(0664));
  ConflistDirectory conflists(directory(), "");
  EXPECT_EQ(conflists.current()->name, "ours");
  std::filesystem::permissions(directory(), std::filesystem::perms(0777));
  EXPECT_THAT(describe(conflists.current().error()), HasSubstr("others than root may write"));
}

}  // namespace
}  // namespace bulkhead::netd
