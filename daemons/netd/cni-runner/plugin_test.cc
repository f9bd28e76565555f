#include <capnp/message.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "daemons/netd/cni-runner/plugin-environment.h"
#include "daemons/netd/cni-runner/plugin-file.h"
#include "daemons/netd/cni-runner/plugin-process.h"

namespace bulkhead::cni {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

const Places places{"/run/bulkhead/netns", {"/opt/cni/bin", "/usr/lib/cni"}};

class Environment : public ::testing::Test {
 protected:
  // The message builder's destructor may throw, a test's may not.
  ~Environment() noexcept override {}  // NOLINT(modernize-use-equals-default)
  Environment() {
    run.setCommand(schema::PluginRun::Command::ADD);
    run.setPodId(std::string(64, 'a'));
    run.setInterface("eth0");
    run.setPodName("web");
    run.setPodNamespace("default");
    run.setPodUid("1-2-3");
  }
  Outcome<std::vector<std::string>> build(const std::string& netns = "/run/bulkhead/netns/x") {
    return pluginEnvironment(run.asReader(), netns, places);
  }

  capnp::MallocMessageBuilder message;
  schema::PluginRun::Builder run = message.initRoot<schema::PluginRun>();
};

TEST_F(Environment, RefusesValuesThatChangeTheMeaningOfCniArgs) {
  for (const char* bad : {"a;K8S_POD_NAME=b", "a=b", "a\nb", "a\x7f", "a b", "\xff"}) {
    run.setPodName(bad);
    EXPECT_FALSE(build()) << bad;
  }
  run.setPodName(std::string(254, 'a'));
  EXPECT_FALSE(build());
}

TEST_F(Environment, RefusesBadInterfacesIdsAndCommands) {
  for (const char* bad : {"", "..", "../x", "a b", "sixteen-letters-"}) {
    run.setInterface(bad);
    EXPECT_FALSE(build()) << bad;
  }
  run.setInterface("eth0");
  run.setPodId("../../etc");
  EXPECT_FALSE(build());
  run.setPodId(std::string(64, 'a'));
  run.setCommand(static_cast<schema::PluginRun::Command>(77));
  EXPECT_FALSE(build());
}

TEST_F(Environment, IsExactlyThis) {
  std::string id(64, 'a');
  auto environment = build();
  ASSERT_TRUE(environment);
  EXPECT_THAT(
      *environment,
      ::testing::UnorderedElementsAre(
          "CNI_COMMAND=ADD", "CNI_CONTAINERID=" + id, "CNI_NETNS=/run/bulkhead/netns/x", "CNI_IFNAME=eth0",
          "CNI_PATH=/opt/cni/bin:/usr/lib/cni", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
          "CNI_ARGS=IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web;K8S_POD_INFRA_CONTAINER_ID=" +
              id + ";K8S_POD_UID=1-2-3"));
}

TEST_F(Environment, ADelAfterARebootHasNoNamespace) {
  run.setCommand(schema::PluginRun::Command::DEL);
  auto environment = build("");
  ASSERT_TRUE(environment);
  EXPECT_THAT(*environment, Contains("CNI_COMMAND=DEL"));
  EXPECT_THAT(*environment, Not(Contains(HasSubstr("CNI_NETNS"))));
}

class PluginFile : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "plugins belong to root";
    std::string pattern = ::testing::TempDir() + "/plugins-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    path = pattern;
    make("good");
  }
  void TearDown() override {
    if (!path.empty()) std::filesystem::remove_all(path);
  }
  void make(const std::string& name, mode_t mode = 0755) const {
    std::ofstream(path + "/" + name) << "#!/bin/sh\n";
    ASSERT_EQ(::chmod((path + "/" + name).c_str(), mode), 0);
  }
  Outcome<std::string> find(const std::string& name) const { return findPlugin({"/nowhere", path}, name); }

  std::string path;
};

TEST_F(PluginFile, RefusesNamesThatArePaths) {
  for (const char* bad : {"", ".", "..", "../good", "/bin/sh", "a/b", "-x"}) {
    auto found = find(bad);
    ASSERT_FALSE(found) << bad;
    EXPECT_EQ(found.error().code, Code::invalidArgument);
  }
}

TEST_F(PluginFile, RefusesWhatOthersCanChange) {
  make("group", 0775);
  make("world", 0757);
  make("owned");
  ASSERT_EQ(::chown((path + "/owned").c_str(), 65534, 0), 0);
  std::filesystem::create_symlink("/bin/sh", path + "/link");
  std::filesystem::create_directory(path + "/directory");
  make("plain", 0644);
  for (const char* bad : {"group", "world", "owned", "link", "directory", "plain"}) {
    auto found = find(bad);
    ASSERT_FALSE(found) << bad;
    EXPECT_EQ(found.error().code, Code::permissionDenied) << bad;
  }
  ASSERT_EQ(::chmod(path.c_str(), 0777), 0);
  EXPECT_EQ(find("good").error().code, Code::permissionDenied);
}

TEST_F(PluginFile, FindsTheFirstOfItsName) {
  EXPECT_EQ(find("good").value(), path + "/good");
  EXPECT_EQ(find("absent").error().code, Code::notFound);
}

TEST(Caller, HasHungUpWhenItsSocketIsClosed) {
  SocketPair pair = makeSocketPair(SOCK_SEQPACKET);
  EXPECT_FALSE(hasHungUp(-1)) << "nobody in particular";
  EXPECT_FALSE(hasHungUp(pair.first.get()));
  pair.second.reset();
  EXPECT_TRUE(hasHungUp(pair.first.get()));
}

}  // namespace
}  // namespace bulkhead::cni
