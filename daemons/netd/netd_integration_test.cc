// netd as a whole, with Debian's CNI plugins and with scripts that misbehave. Root, in a network and a mount
// namespace of its own (CMakeLists.txt).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>
#include <tuple>

#include "daemons/common/base/io.h"
#include "daemons/netd/testing/netd-instance.h"
#include "ipc/convert.h"

namespace bulkhead::netd {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::NetdInstance;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;
using namespace std::chrono_literals;

std::string podId(unsigned number) {
  std::string digits = std::to_string(number);
  return std::string(64 - digits.size(), 'a') + digits;
}

// Passes on what the plugin before it answered, unless files in the test's root tell it otherwise.
constexpr const char* moodyPlugin = R"(#!/usr/bin/python3
import json, os, subprocess, sys, time
root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
verb = os.environ["CNI_COMMAND"]
config = json.load(sys.stdin)
with open(root + "/calls", "a") as calls:
    print(verb, os.environ["CNI_CONTAINERID"], file=calls)
with open(root + "/environment", "w") as file:
    file.write("\n".join(sorted(k + "=" + v for k, v in os.environ.items())))
with open(root + "/process", "w") as file:
    file.write(open("/proc/self/status").read())
    file.write("fds " + " ".join(sorted(os.listdir("/proc/self/fd"))))
if os.path.exists(root + "/hang-" + verb):
    delegate = subprocess.Popen(["sleep", "1000"])
    open(root + "/hanging", "w").write("%d %d %d" % (os.getpid(), delegate.pid, os.getppid()))
    time.sleep(1000)
if os.path.exists(root + "/slow-" + verb):
    time.sleep(1)
while os.path.exists(root + "/endless"):
    sys.stderr.write("x" * 65536)
if os.path.exists(root + "/flood"):
    sys.stdout.write("x" * (4 << 20))
    sys.exit(0)
if os.path.exists(root + "/fail-" + verb):
    json.dump({"cniVersion": "1.0.0", "code": 100, "msg": "in a bad mood"}, sys.stdout)
    sys.stderr.write("why it did so\n")
    sys.exit(1)
if verb == "ADD":
    json.dump(config["prevResult"], sys.stdout)
)";

class NetdTest : public ::testing::Test {
 protected:
  void useBridge(const std::string& more) {
    netd.writePlugin("moody", moodyPlugin);
    netd.writeConflist("10-test.conflist",
                       R"({"cniVersion":"1.0.0","name":"netd-test","plugins":[
      {"type":"bridge","bridge":"netdtest0","isGateway":true,"ipMasq":false,
       "ipam":{"type":"host-local","ranges":[[{"subnet":"10.123.0.0/16"}]],"dataDir":")" +
                           netd.root() + R"(/ipam"}})" + more + "]}");
  }
  void useMoody() { useBridge(R"(,{"type":"moody"})"); }
  void mood(const std::string& name) const { std::ofstream(netd.root() + "/" + name) << ""; }
  void calm(const std::string& name) const { std::filesystem::remove(netd.root() + "/" + name); }
  std::string text(const std::string& name) const { return readSmallFile(netd.root() + "/" + name); }
  // Whether all addresses are free again, within half a minute.
  bool becomesEmpty() const {
    for (int i = 0; i < 300 && leases() != 0; ++i) std::this_thread::sleep_for(100ms);
    return leases() == 0;
  }
  size_t leases() const { return netd.countFiles("ipam/netd-test", "10.123."); }
  // Processes that a plugin wrote down when it began to hang: itself, its child, its handler.
  std::vector<pid_t> hanging() const {
    std::istringstream words(text("hanging"));
    return {std::istream_iterator<pid_t>(words), {}};
  }
  bool runs(pid_t pid) const {
    std::string status = readSmallFile("/proc/" + std::to_string(pid) + "/status");
    return !status.empty() && status.find("State:\tZ") == std::string::npos;
  }
  size_t count(const std::string& verb) const {
    std::istringstream lines(text("calls"));
    size_t found = 0;
    for (std::string line; std::getline(lines, line);) found += line.starts_with(verb + " ") ? 1 : 0;
    return found;
  }
  // An attach that is under way.
  auto beginAttach(unsigned pod) {
    auto request = netd.client().attachRequest();
    testing::fill(request.initPod(), podId(pod), 0);
    auto running = request.send();
    (void)running.poll(netd.io.waitScope);
    return running;
  }
  void expectNothingLeft() const {
    EXPECT_EQ(leases(), 0U);
    EXPECT_EQ(netd.countMounts(), 0U);
    EXPECT_EQ(netd.countFiles("run/netns", ""), 0U);
    EXPECT_EQ(netd.countFiles("state/netd/owed", ""), 0U);
    EXPECT_EQ(netd.countFiles("state/netd/attached", ""), 0U);
  }
  void waitForFile(const std::string& name) const {
    for (int i = 0; i < 200 && text(name).empty(); ++i) std::this_thread::sleep_for(50ms);
    ASSERT_FALSE(text(name).empty()) << name;
  }

  NetdInstance netd;
};

TEST_F(NetdTest, AttachGivesAnAddressAndDetachFreesIt) {
  useBridge(R"(,{"type":"portmap","capabilities":{"portMappings":true}})");
  netd.writeCeiling("host_ports = true\n");
  netd.start();
  auto addresses = netd.attach(podId(1), 8080);
  ASSERT_TRUE(addresses) << describe(addresses.error());
  EXPECT_THAT(*addresses, ElementsAre(StartsWith("10.123.")));
  EXPECT_EQ(leases(), 1U);
  EXPECT_EQ(netd.countMounts(), 1U);
  std::string inside = "nsenter --net=" + netd.root() + "/run/netns/" + podId(1) + " ip -o link show ";
  EXPECT_EQ(std::system((inside + "lo | grep -q '[<,]UP[,>]'").c_str()), 0);
  EXPECT_EQ(std::system((inside + "eth0 | grep -q '[<,]UP[,>]'").c_str()), 0);
  EXPECT_EQ(std::system("iptables -t nat -S | grep -q 'dport 8080'"), 0);
  EXPECT_THAT(netd.list(), ElementsAre(podId(1)));
  EXPECT_TRUE(netd.detach(podId(1)));
  EXPECT_THAT(netd.list(), IsEmpty());
  EXPECT_NE(std::system("iptables -t nat -S | grep -q 'dport 8080'"), 0);
  expectNothingLeft();
  EXPECT_TRUE(netd.detach(podId(1))) << "detaching the absent is ok";
}

TEST_F(NetdTest, AttachIsIdempotentAndJoinsTheRunningOne) {
  useMoody();
  netd.start();
  auto client = netd.client();
  auto first = client.attachRequest();
  testing::fill(first.initPod(), podId(1), 0);
  auto second = client.attachRequest();
  testing::fill(second.initPod(), podId(1), 0);
  auto running = first.send();
  auto joining = second.send();
  auto one = running.wait(netd.io.waitScope);
  auto other = joining.wait(netd.io.waitScope);
  ASSERT_TRUE(one.getResult().isOk());
  ASSERT_TRUE(other.getResult().isOk());
  std::string address = ipc::toString(one.getResult().getOk().getAddresses()[0]);
  EXPECT_EQ(ipc::toString(other.getResult().getOk().getAddresses()[0]), address);
  EXPECT_THAT(netd.attach(podId(1)).value(), ElementsAre(address));
  EXPECT_EQ(text("calls"), "ADD " + podId(1) + "\n");
}

TEST_F(NetdTest, APluginGetsWhatAStrangerShould) {
  useMoody();
  netd.start();
  ASSERT_TRUE(netd.attach(podId(1)));
  EXPECT_THAT(text("environment"), HasSubstr("CNI_NETNS=" + netd.root() + "/run/netns/" + podId(1) + "\n"));
  EXPECT_THAT(text("environment"), HasSubstr("K8S_POD_NAME=pod-aaaa;"));
  EXPECT_THAT(text("environment"), Not(HasSubstr("LISTEN_")));
  std::string process = text("process");
  // NET_ADMIN, NET_RAW, SYS_ADMIN, DAC_OVERRIDE
  EXPECT_THAT(process, HasSubstr("CapBnd:\t0000000000203002\n"));
  EXPECT_THAT(process, HasSubstr("CapEff:\t0000000000203002\n"));
  EXPECT_THAT(process, HasSubstr("NoNewPrivs:\t0\n"));
  EXPECT_THAT(process, HasSubstr("Seccomp:\t0\n"));
  EXPECT_THAT(process, HasSubstr("SigBlk:\t0000000000000000\n"));
  EXPECT_THAT(process, HasSubstr("Umask:\t0022\n"));
  EXPECT_THAT(process, EndsWith("fds 0 1 2 3 4"));  // 3 and 4 are the script's own
}

TEST_F(NetdTest, FiftyFailedAddsAndDelsLeakNoAddress) {
  useMoody();
  netd.start();
  mood("fail-ADD");
  mood("fail-DEL");
  (void)netd.list();
  size_t openFiles = netd.countOpenFiles();
  for (unsigned i = 0; i < 50; ++i) {
    auto attached = netd.attach(podId(i));
    ASSERT_FALSE(attached);
    EXPECT_EQ(attached.error().code, Code::unavailable);
    EXPECT_EQ(attached.error().reason, "CNI plugin moody failed: in a bad mood; it wrote: why it did so");
    EXPECT_TRUE(netd.detach(podId(i))) << "owed on disk is ok";
  }
  EXPECT_THAT(netd.list(), SizeIs(50)) << "all still owed";
  EXPECT_TRUE(becomesEmpty()) << "what the other plugin holds is freed though this one still fails";
  EXPECT_THAT(netd.list(), SizeIs(50));
  calm("fail-DEL");
  for (unsigned i = 0; i < 50; ++i) EXPECT_TRUE(netd.detach(podId(i)));
  EXPECT_THAT(netd.list(), IsEmpty());
  expectNothingLeft();
  EXPECT_LE(netd.countOpenFiles(), openFiles);
}

TEST_F(NetdTest, FiftyAddsAndDelsThatHangLeakNoAddress) {
  netd.writeConfig("add_timeout_seconds = 2\ndel_timeout_seconds = 2");
  useMoody();
  netd.start();
  mood("hang-ADD");
  mood("hang-DEL");
  auto running = kj::heapArrayBuilder<kj::Promise<void>>(50);
  for (unsigned i = 0; i < 50; ++i) {
    auto request = netd.client().attachRequest();
    testing::fill(request.initPod(), podId(i), 0);
    running.add(request.send().then([](auto&& response) { EXPECT_TRUE(response.getResult().isRefused()); }));
  }
  kj::joinPromises(running.finish()).wait(netd.io.waitScope);
  EXPECT_TRUE(becomesEmpty());
  EXPECT_THAT(netd.list(), SizeIs(50)) << "all still owed";
  calm("hang-DEL");
  EXPECT_TRUE(netd.waitForCount(0));
  expectNothingLeft();
}

TEST_F(NetdTest, ADebtIsPaidByTheNextNetd) {
  useMoody();
  netd.start();
  ASSERT_TRUE(netd.attach(podId(1)));
  mood("fail-DEL");
  EXPECT_TRUE(netd.detach(podId(1)));
  netd.kill();
  calm("fail-DEL");
  netd.start();
  EXPECT_TRUE(netd.waitForCount(0));
  expectNothingLeft();
}

TEST_F(NetdTest, AFailedDelIsTriedAgainByItself) {
  useMoody();
  netd.start();
  ASSERT_TRUE(netd.attach(podId(1)));
  mood("fail-DEL");
  EXPECT_TRUE(netd.detach(podId(1)));
  auto again = netd.attach(podId(1));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::failedPrecondition);
  calm("fail-DEL");
  EXPECT_TRUE(netd.waitForCount(0));
  expectNothingLeft();
}

TEST_F(NetdTest, APluginThatHangsIsKilled) {
  netd.writeConfig("add_timeout_seconds = 2");
  useMoody();
  netd.start();
  mood("hang-ADD");
  auto attached = netd.attach(podId(1));
  ASSERT_FALSE(attached);
  EXPECT_EQ(attached.error().code, Code::deadlineExceeded);
  EXPECT_FALSE(runs(hanging().at(0)) || runs(hanging().at(1)));
  EXPECT_TRUE(netd.waitForCount(0));
  expectNothingLeft();
}

TEST_F(NetdTest, APluginThatFloodsIsRefused) {
  useMoody();
  netd.start();
  mood("flood");
  auto attached = netd.attach(podId(1));
  ASSERT_FALSE(attached);
  EXPECT_THAT(attached.error().reason, HasSubstr("printed more"));
}

TEST_F(NetdTest, KilledNetdComesBackWithItsPods) {
  useMoody();
  netd.start();
  auto before = netd.attach(podId(1));
  ASSERT_TRUE(before);
  netd.kill();
  netd.start();
  EXPECT_THAT(netd.list(), ElementsAre(podId(1)));
  EXPECT_EQ(netd.attach(podId(1)).value(), *before);
  EXPECT_TRUE(netd.detach(podId(1)));
  expectNothingLeft();
}

TEST_F(NetdTest, AnAddThatNetdDidNotSurviveIsUndone) {
  useMoody();
  netd.start();
  mood("hang-ADD");
  auto lost = beginAttach(1);
  waitForFile("hanging");
  netd.kill();
  netd.start();
  EXPECT_TRUE(netd.waitForCount(0));
  EXPECT_FALSE(runs(hanging().at(0))) << "killed before its DEL ran";
  expectNothingLeft();
}

TEST_F(NetdTest, APluginDoesNotOutliveItsHandler) {
  useMoody();
  netd.start();
  mood("hang-ADD");
  auto running = beginAttach(1);
  waitForFile("hanging");
  auto [plugin, delegate, handler] = std::tuple(hanging().at(0), hanging().at(1), hanging().at(2));
  ASSERT_EQ(::kill(handler, SIGKILL), 0);
  EXPECT_TRUE(running.wait(netd.io.waitScope).getResult().isRefused());
  EXPECT_TRUE(netd.waitForCount(0));
  EXPECT_FALSE(runs(plugin)) << "it would go on after its DEL";
  EXPECT_FALSE(runs(delegate));
  expectNothingLeft();
}

TEST_F(NetdTest, ADetachDoesNotWaitForAnAddThatHangs) {
  useMoody();
  netd.start();
  mood("hang-ADD");
  auto running = beginAttach(1);
  waitForFile("hanging");
  EXPECT_TRUE(netd.detach(podId(1)));
  auto attached = running.wait(netd.io.waitScope);
  EXPECT_EQ(ipc::readRefusal(attached.getResult().getRefused()).reason, "was detached meanwhile");
  EXPECT_THAT(netd.list(), IsEmpty());
  EXPECT_FALSE(runs(hanging().at(0)));
  expectNothingLeft();
}

// One run costs seven descriptors, and netd may have 4096.
TEST_F(NetdTest, SevenHundredDebtsAreAQueueNotTheEndOfNetd) {
  useMoody();
  netd.start();
  mood("slow-DEL");
  ASSERT_TRUE(netd.attach(podId(0)));
  netd.kill();
  std::string owed = netd.root() + "/state/netd/owed/";
  std::string record = readSmallFile(owed + podId(0));
  for (unsigned i = 1; i < 700; ++i) {
    std::string copy = record;
    copy.replace(copy.find(podId(0)), 64, podId(i));
    std::ofstream(owed + podId(i)) << copy;
  }
  netd.start();
  EXPECT_THAT(netd.list(), SizeIs(700));
  std::this_thread::sleep_for(500ms);
  EXPECT_LT(netd.countOpenFiles(), 400U);
  EXPECT_TRUE(netd.attach(podId(700))) << "DELs that wait keep no pod from starting";
}

TEST_F(NetdTest, ADetachIsNotOkUntilItIsOnDisk) {
  useMoody();
  netd.start();
  ASSERT_TRUE(netd.attach(podId(1)));
  mood("fail-DEL");
  std::filesystem::remove_all(netd.root() + "/state/netd/owed");
  for (int i = 0; i < 2; ++i) EXPECT_THROW((void)netd.detach(podId(1)), kj::Exception);
}

TEST_F(NetdTest, APodHasOneRetryHoweverOftenItIsDetached) {
  useMoody();
  netd.start();
  ASSERT_TRUE(netd.attach(podId(1)));
  mood("fail-DEL");
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(netd.detach(podId(1)));
  std::this_thread::sleep_for(5s);  // a timer for each would have rung after 1 s, 2 s and 4 s
  EXPECT_EQ(count("DEL"), 4U);
}

TEST_F(NetdTest, APluginThatFloodsForEverIsEnded) {
  useMoody();
  netd.start();
  mood("endless");
  auto attached = netd.attach(podId(1));
  ASSERT_FALSE(attached);
  EXPECT_THAT(attached.error().reason, HasSubstr("moody failed"));
  EXPECT_THAT(netd.list(), SizeIs(1)) << "still owed, and answered at once";
  calm("endless");
  EXPECT_TRUE(netd.detach(podId(1)));
  expectNothingLeft();
}

TEST_F(NetdTest, ANamespaceWithoutARecordIsRemoved) {
  useMoody();
  netd.start();
  ASSERT_TRUE(netd.attach(podId(1)));
  netd.kill();
  std::filesystem::remove(netd.root() + "/state/netd/owed/" + podId(1));
  netd.start();
  EXPECT_THAT(netd.list(), IsEmpty());
  for (int i = 0; i < 100 && netd.countMounts() != 0; ++i) std::this_thread::sleep_for(20ms);
  EXPECT_EQ(netd.countMounts(), 0U);
  EXPECT_EQ(netd.countFiles("run/netns", ""), 0U);
}

TEST_F(NetdTest, WhatAnInterruptedMakeLeftIsReplaced) {
  useMoody();
  netd.start();
  EXPECT_THAT(netd.list(), IsEmpty());
  std::ofstream(netd.root() + "/run/netns/" + podId(1)) << "";
  EXPECT_TRUE(netd.attach(podId(1)));
  EXPECT_EQ(netd.countMounts(), 1U);
}

TEST_F(NetdTest, HostPortsNeedTheCeiling) {
  useMoody();
  netd.start();
  auto attached = netd.attach(podId(1), 8080);
  ASSERT_FALSE(attached);
  EXPECT_EQ(attached.error().code, Code::permissionDenied);
  EXPECT_EQ(attached.error().field, "portMappings");
  EXPECT_THAT(netd.list(), IsEmpty());
}

TEST_F(NetdTest, AHostPortIsOnePodsUntilItIsGone) {
  useBridge(R"(,{"type":"portmap","capabilities":{"portMappings":true}},{"type":"moody"})");
  netd.writeCeiling("host_ports = true\n");
  netd.start();
  ASSERT_TRUE(netd.attach(podId(1), 8080));
  auto other = netd.attach(podId(2), 8080);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Code::failedPrecondition);
  EXPECT_EQ(describe(other.error()), "portMappings.hostPort: tcp port 8080 is taken by pod default/pod-aaaa");
  EXPECT_THAT(netd.list(), ElementsAre(podId(1))) << "nothing was begun";
  mood("fail-DEL");
  EXPECT_TRUE(netd.detach(podId(1)));
  EXPECT_FALSE(netd.attach(podId(2), 8080)) << "still owed: packets still go there";
  calm("fail-DEL");
  EXPECT_TRUE(netd.waitForCount(0));
  EXPECT_TRUE(netd.attach(podId(2), 8080));
}

TEST_F(NetdTest, HostPortsNeedAPluginThatOpensThem) {
  useMoody();
  netd.writeCeiling("host_ports = true\n");
  netd.start();
  auto attached = netd.attach(podId(1), 8080);
  ASSERT_FALSE(attached);
  EXPECT_EQ(attached.error().code, Code::failedPrecondition);
  EXPECT_EQ(attached.error().field, "portMappings");
  EXPECT_THAT(attached.error().reason, HasSubstr("no plugin of network netd-test"));
  EXPECT_THAT(netd.list(), IsEmpty());
}

TEST_F(NetdTest, AfterARebootTheDelRunsWithoutANamespace) {
  useMoody();
  netd.start();
  ASSERT_TRUE(netd.attach(podId(1)));
  netd.kill();
  // What a reboot leaves of a pin where /run is on a disk: a plain file.
  ASSERT_EQ(std::system(("umount " + netd.root() + "/run/netns/" + podId(1)).c_str()), 0);
  netd.start();
  EXPECT_THAT(netd.list(), ElementsAre(podId(1)));
  EXPECT_TRUE(netd.detach(podId(1)));
  EXPECT_THAT(text("environment"), Not(HasSubstr("CNI_NETNS")));
  expectNothingLeft();
}

TEST_F(NetdTest, StatusFollowsTheConfiguration) {
  netd.start();
  EXPECT_THAT(netd.notReady(), StartsWith("NetworkPluginNotReady: "));
  netd.writeConflist("10.conflist", R"({"cniVersion":"1.0.0","name":"n","plugins":[{"type":"late"}]})");
  EXPECT_THAT(netd.notReady(), HasSubstr("late"));
  netd.writePlugin("late", "#!/bin/sh\n");
  EXPECT_EQ(netd.notReady(), "");
  std::filesystem::remove_all(netd.root() + "/net.d");
  EXPECT_THAT(netd.notReady(), StartsWith("NetworkPluginNotReady: "));
  EXPECT_EQ(netd.attach(podId(1)).error().code, Code::failedPrecondition);
  std::filesystem::create_directory(netd.root() + "/net.d");
  netd.writeConflist("10.conflist", R"({"cniVersion":"1.0.0","name":"n","plugins":[{"type":"late"}]})");
  EXPECT_EQ(netd.notReady(), "");
}

TEST_F(NetdTest, RefusesBadRequestsAndOtherPeers) {
  useMoody();
  netd.start();
  for (const char* bad : {"", "..", "../../etc/passwd", "abc"}) {
    EXPECT_EQ(netd.attach(bad).error().field, "podId");
    EXPECT_EQ(netd.detach(bad).error().field, "podId");
  }
  EXPECT_THAT(netd.list(), IsEmpty());
  EXPECT_FALSE(netd.answersRoot());
}

}  // namespace
}  // namespace bulkhead::netd
