#include "daemons/config-reader/answer.h"

#include <capnp/message.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <sstream>

#include "daemons/config-reader/keys.h"

namespace bulkhead::config {
namespace {

class Answer : public testing::Test {
 protected:
  schema::Config::Reader config(const std::vector<File>& files, const Accounts& accounts = Accounts("", "")) {
    auto builder = start().initRoot<schema::Config>();
    writeConfig(readBulkhead(files), accounts, builder);
    return builder.asReader();
  }
  schema::Ceiling::Reader ceiling(const std::vector<File>& files) {
    auto builder = start().initRoot<schema::Ceiling>();
    writeCeiling(readCeiling(files), builder);
    return builder.asReader();
  }
  std::string errorOf(const std::string& text) {
    try {
      config({{"b.toml", text}});
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "";
  }
  std::string ceilingErrorOf(const std::string& text) {
    try {
      ceiling({{"c.toml", text}});
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "";
  }

 private:
  capnp::MallocMessageBuilder& start() {
    message_ = std::make_unique<capnp::MallocMessageBuilder>();
    return *message_;
  }

  // Its destructor may throw, a fixture's may not.
  std::unique_ptr<capnp::MallocMessageBuilder> message_;
};

std::vector<std::string> texts(capnp::List<capnp::Text>::Reader list) {
  std::vector<std::string> all;
  for (auto text : list) all.emplace_back(text.cStr());
  return all;
}

TEST_F(Answer, HasDefaultsWithoutAnyFile) {
  auto config = this->config({});
  EXPECT_EQ(config.getIdentities().getCriUid(), 1900000000U);
  EXPECT_EQ(config.getIdentities().getReaderGid(), 1900000004U);
  EXPECT_EQ(config.getIdentities().getShimBase(), 1900001000U);
  EXPECT_EQ(config.getIdentities().getShimCount(), 4096U);
  EXPECT_EQ(config.getIdentities().getSocketGid(), 0U);
  ASSERT_EQ(config.getRuntimes().size(), 2U);
  EXPECT_STREQ(config.getRuntimes()[0].getPath().cStr(), "/usr/bin/crun");
  EXPECT_STREQ(config.getDefaultRuntime().cStr(), "crun");
  EXPECT_EQ(config.getNetwork().getAddTimeoutMs(), 300000U);
  EXPECT_EQ(config.getPull().getMaxLayerBytes(), 68719476736U);
  EXPECT_EQ(config.getPull().getMaxImageBytes(), 274877906944U);
  EXPECT_EQ(config.getPull().getMaxImageEntries(), 10'000'000U);
  EXPECT_EQ(config.getPull().getMaxCompressionRatio(), 1000U);
  EXPECT_TRUE(config.getPull().getDeviceNodes());
}

TEST_F(Answer, TakesAccountsUnlessABaseIsSet) {
  char name[] = "/tmp/bulkhead-accounts-XXXXXX";
  int fd = ::mkstemp(name);
  ASSERT_GE(fd, 0);
  std::string passwd = "root:x:0:0::/:/bin/sh\n";
  int uid = 500;
  for (const char* role : {"cri", "image", "storage", "net", "config"}) {
    ++uid;
    passwd += "bulkhead-" + std::string(role) + ":x:" + std::to_string(uid) + ":" +
              std::to_string(uid + 100) + "::/:/x\n";
  }
  ASSERT_EQ(::write(fd, passwd.data(), passwd.size()), static_cast<ssize_t>(passwd.size()));
  ::close(fd);
  auto identities = config({}, Accounts(name, "")).getIdentities();
  EXPECT_EQ(identities.getCriUid(), 501U);
  EXPECT_EQ(identities.getReaderGid(), 605U);
  identities = config({{"b.toml", "[identity]\nuid_base = 5000\n"}}, Accounts(name, "")).getIdentities();
  EXPECT_EQ(identities.getCriUid(), 5000U);
  EXPECT_EQ(identities.getShimBase(), 6000U);
  (void)::unlink(name);
}

TEST_F(Answer, RefusesValuesThatMakeNoSense) {
  EXPECT_EQ(errorOf("log_level = \"loud\"\n"),
            "b.toml:1: 'log_level' must be one of: error, warning, info, debug");
  EXPECT_EQ(errorOf("\ndefault_runtime = \"kata\"\n"),
            "b.toml:2: 'default_runtime' names no runtime of [runtimes]");
  EXPECT_NE(errorOf("cgroup_parent = \"/a/../b\"\n"), "");
  EXPECT_NE(errorOf("[runtimes.crun]\npath = \"crun\"\n"), "");
  EXPECT_NE(errorOf("[runtimes.\"../x\"]\npath = \"/x\"\n"), "");
  EXPECT_NE(errorOf("[network]\nadd_timeout_seconds = 0\n"), "");
  EXPECT_NE(errorOf("[network]\nplugin_capabilities = [\"CAP_FLY\"]\n"), "");
  EXPECT_NE(errorOf("[identity]\nuid_base = 0\n"), "");
  EXPECT_NE(errorOf("[identity]\nuid_base = 5000\nshim_base = 4999\n"), "");
  EXPECT_NE(errorOf("[identity]\nsocket_group = \"no-such-group\"\n"), "");
  EXPECT_NE(errorOf("[[registry]]\nprefix = \"http://x\"\n"), "");
  EXPECT_NE(errorOf("[[registry]]\nprefix = \"*.example.com\"\n"), "");
}

TEST_F(Answer, TakesDropInsInOrder) {
  auto config = this->config({{"b.toml", "[[registry]]\nprefix = \"127.0.0.1:5000\"\ninsecure = true\n"},
                              {"10.toml", "default_runtime = \"runc\"\n"},
                              {"20.toml", "default_runtime = \"crun\"\nfallback_runtime = \"runc\"\n"}});
  EXPECT_STREQ(config.getDefaultRuntime().cStr(), "crun");
  EXPECT_STREQ(config.getFallbackRuntime().cStr(), "runc");
  ASSERT_EQ(config.getRegistries().size(), 1U);
  EXPECT_TRUE(config.getRegistries()[0].getInsecure());
}

TEST_F(Answer, BaselineIsTheDefaultProfile) {
  auto ceiling = this->ceiling({});
  EXPECT_STREQ(ceiling.getProfile().cStr(), "baseline");
  EXPECT_FALSE(ceiling.getPrivileged() || ceiling.getHostNetwork() || ceiling.getHostPid() ||
               ceiling.getHostIpc() || ceiling.getHostPorts() || ceiling.getSeccompUnconfined() ||
               ceiling.getUnmaskedPaths());
  EXPECT_TRUE(ceiling.getRootUser() && ceiling.getNewPrivileges());
  EXPECT_EQ(texts(ceiling.getBindSources()), (std::vector<std::string>{"/var/lib/kubelet/pods"}));
  EXPECT_EQ(ceiling.getCapabilities().size(), 13U);
  EXPECT_EQ(ceiling.getMinOomScoreAdj(), -998);
  EXPECT_EQ(texts(ceiling.getRuntimeHandlers()), (std::vector<std::string>{"*"}));
}

TEST_F(Answer, RestrictedAndPermissiveDiffer) {
  auto restricted = ceiling({{"c.toml", "profile = \"restricted\"\n"}});
  EXPECT_FALSE(restricted.getRootUser() || restricted.getNewPrivileges());
  EXPECT_EQ(texts(restricted.getCapabilities()), (std::vector<std::string>{"CAP_NET_BIND_SERVICE"}));
  auto permissive = ceiling({{"c.toml", "profile = \"permissive\"\n"}});
  EXPECT_TRUE(permissive.getPrivileged() && permissive.getHostNetwork() && permissive.getHostPorts());
  EXPECT_EQ(permissive.getCapabilities().size(), 41U);
  EXPECT_EQ(texts(permissive.getBindSources()), (std::vector<std::string>{"/"}));
}

TEST_F(Answer, KeysWinOverTheProfileWhereverItIsChosen) {
  auto ceiling = this->ceiling({{"c.toml", "host_network = true\ncapabilities = [\"chown\", \"CAP_KILL\"]\n"},
                                {"10", "profile = \"restricted\"\n"}});
  EXPECT_TRUE(ceiling.getHostNetwork());
  EXPECT_FALSE(ceiling.getRootUser());
  EXPECT_EQ(texts(ceiling.getCapabilities()), (std::vector<std::string>{"CAP_CHOWN", "CAP_KILL"}));
}

TEST_F(Answer, KnowsWhatBecomesOfAnImagesVolumes) {
  EXPECT_EQ(errorOf("image_volumes = \"bind\"\n"), "");
  EXPECT_EQ(errorOf("image_volumes = \"copy\"\n"),
            "b.toml:1: 'image_volumes' must be one of: mkdir, bind, ignore");
}

TEST_F(Answer, RefusesACeilingThatMakesNoSense) {
  EXPECT_EQ(ceilingErrorOf("profile = \"lax\"\n"),
            "c.toml:1: 'profile' must be one of: baseline, restricted, permissive");
  EXPECT_EQ(ceilingErrorOf("privilegd = true\n"), "c.toml:1: unknown key 'privilegd'");
  EXPECT_NE(ceilingErrorOf("bind_sources = [\"data\"]\n"), "");
  EXPECT_NE(ceilingErrorOf("propagation = [\"shared\"]\n"), "");
  EXPECT_NE(ceilingErrorOf("min_oom_score_adj = -2000\n"), "");
}

// One table of what --describe prints, without the marks: "#key = …" but not "# text".
std::string uncommented(const std::string& text, const std::string& from, const std::string& to) {
  size_t start = text.find("## " + from);
  std::istringstream lines(text.substr(start, text.find("## " + to) - start));
  std::string out;
  for (std::string line; std::getline(lines, line);) {
    if (line.size() > 1 && line[0] == '#' && line[1] != ' ' && line[1] != '#') out += line.substr(1) + "\n";
  }
  return out;
}

TEST(Describe, IsAConfigurationWithEveryKey) {
  std::ostringstream out;
  describeKeys(out);
  Settings bulkhead(bulkheadKeys());
  bulkhead.read("described", uncommented(out.str(), "bulkhead.toml", "ceiling.toml"));
  for (const Key& key : bulkheadKeys()) {
    bool isPlain = key.name.find("NAME") == key.name.npos && key.name.find("[]") == key.name.npos;
    EXPECT_TRUE(!isPlain || bulkhead.at(key.name).isSet()) << key.name;
  }
  EXPECT_EQ(bulkhead.entries("runtimes").size(), 1U);
  EXPECT_EQ(bulkhead.entries("registry").begin()->second.size(), 4U);
  Settings ceiling(ceilingKeys());
  ceiling.read("described", uncommented(out.str(), "ceiling.toml", "end"));
  for (const Key& key : ceilingKeys()) EXPECT_TRUE(ceiling.at(key.name).isSet()) << key.name;
}

}  // namespace
}  // namespace bulkhead::config
