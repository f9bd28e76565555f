#include "daemons/shim/ceiling/ceiling.h"

#include <capnp/message.h>
#include <gtest/gtest.h>

#include <memory>

#include "ipc/convert.h"

namespace bulkhead::ceiling {
namespace {

using schema::Namespace;

class Rules : public testing::Test {
 protected:
  Rules() {
    pod.setNetwork(Namespace::POD);
    pod.setIpc(Namespace::POD);
    pod.setPid(Namespace::CONTAINER);
    auto ceiling = config.initCeiling();
    auto sysctls = ceiling.initSysctls(2);
    sysctls.set(0, "net.core.somaxconn");
    sysctls.set(1, "fs.mqueue.*");
    auto devices = ceiling.initDevices(2);
    devices[0].setPath("/dev/fuse");
    devices[0].setAccess("rw");
    devices[1].setPath("/dev/vfio/");
    devices[1].setIsPrefix(true);
    devices[1].setAccess("rwm");
    ceiling.setRootUser(true);
    ceiling.setNewPrivileges(true);
    ceiling.initCapabilities(1).set(0, "CAP_CHOWN");
    spec.initArgs(1).set(0, ipc::toData("sh"));
    spec.setPid(Namespace::CONTAINER);
  }
  // "" if allowed, else the refusal.
  std::string sysctl(const std::string& name, const std::string& value = "1") {
    auto list = pod.initSysctls(1);
    list[0].setKey(name);
    list[0].setValue(ipc::toData(value));
    return textOf(checkPod(pod, config));
  }
  std::string device(const char* path, const char* access) {
    return textOf(judgeDevice(path, access, config.getCeiling().getDevices(), "f"));
  }
  std::string asked(const char* source, const char* destination, const char* access) {
    auto devices = spec.initDevices(1);
    devices[0].setSource(source);
    devices[0].setDestination(destination);
    devices[0].setAccess(access);
    return container();
  }
  std::string profile(schema::SeccompProfile::Action byDefault) {
    capnp::MallocMessageBuilder message;
    auto profile = message.initRoot<schema::SeccompProfile>();
    profile.initDefault().setAction(byDefault);
    return textOf(judgeSeccomp(profile, config.getCeiling(), "f"));
  }
  std::string container() { return textOf(checkContainer(spec, pod, config)); }
  static std::string textOf(const Outcome<void>& outcome) { return outcome ? "" : describe(outcome.error()); }

  // Their destructors may throw, a fixture's may not.
  std::unique_ptr<capnp::MallocMessageBuilder[]> messages_ =
      std::make_unique<capnp::MallocMessageBuilder[]>(3);
  schema::PodSpec::Builder pod = messages_[0].initRoot<schema::PodSpec>();
  schema::ContainerSpec::Builder spec = messages_[1].initRoot<schema::ContainerSpec>();
  schema::Config::Builder config = messages_[2].initRoot<schema::Config>();
};

TEST_F(Rules, SysctlsAreSafeOrListed) {
  for (const char* good :
       {"net.ipv4.tcp_syncookies", "kernel.shm_rmid_forced", "net.core.somaxconn", "fs.mqueue.msg_max"})
    EXPECT_EQ(sysctl(good), "") << good;
  for (const char* bad :
       {"net.core.somaxconnx", "net.core", "kernel.msgmax", "fs.mqueuex.y", "kernel.domainname"})
    EXPECT_NE(sysctl(bad), "") << bad;
}

// CVE-2022-0811: whatever the exposed side lets through.
TEST_F(Rules, SysctlsAreOneSpellingAndThePodsOwn) {
  for (const char* bad : {"net/core/somaxconn", "kernel.core_pattern", "vm.overcommit_memory",
                          "net.core.somaxconn+kernel.core_pattern", "net..core", "fs.mqueue.*", ""})
    EXPECT_NE(sysctl(bad), "") << bad;
  EXPECT_NE(sysctl("net.core.somaxconn", "1\n2"), "");
  EXPECT_NE(sysctl("net.core.somaxconn", "1'+'2"), "");
  auto twice = pod.initSysctls(2);
  for (auto each : twice) {
    each.setKey("net.core.somaxconn");
    each.setValue(ipc::toData("1"));
  }
  EXPECT_NE(textOf(checkPod(pod, config)), "");
}

// CVE-2022-0532, also for what is safe.
TEST_F(Rules, NoSysctlOfANamespaceOfTheHost) {
  config.getCeiling().setHostNetwork(true);
  config.getCeiling().setHostIpc(true);
  pod.setNetwork(Namespace::NODE);
  EXPECT_NE(sysctl("net.ipv4.tcp_syncookies"), "");
  EXPECT_EQ(sysctl("kernel.shm_rmid_forced"), "");
  pod.setIpc(Namespace::NODE);
  pod.setNetwork(Namespace::POD);
  EXPECT_NE(sysctl("kernel.shm_rmid_forced"), "");
  EXPECT_NE(sysctl("fs.mqueue.msg_max"), "");
}

TEST_F(Rules, DevicesByPathAndAccess) {
  EXPECT_EQ(device("/dev/fuse", "rw"), "");
  EXPECT_EQ(device("/dev/fuse", "r"), "");
  EXPECT_EQ(device("/dev/vfio/12", "rwm"), "");
  EXPECT_NE(device("/dev/fuse", "rwm"), "");
  EXPECT_NE(device("/dev/fuse2", "r"), "");
  EXPECT_NE(device("/dev/vfio", "r"), "");
  EXPECT_NE(device("/dev/sda", "r"), "");
}

TEST_F(Rules, DevicesHaveAPlaceOfTheirOwn) {
  EXPECT_EQ(asked("/dev/fuse", "/dev/fuse", "rw"), "");
  for (const char* place : {"/dev", "/dev/null", "/dev/pts/0", "/proc/x", "/sys/x", "relative", "/a/../b"})
    EXPECT_NE(asked("/dev/fuse", place, "rw"), "") << place;
  for (const char* access : {"", "x", "rr", "rwmw"})
    EXPECT_NE(asked("/dev/fuse", "/dev/fuse", access), "") << access;
}

TEST_F(Rules, APodsProcessesAreSharedOrNot) {
  spec.setPid(Namespace::POD);
  EXPECT_NE(container(), "");
  pod.setPid(Namespace::POD);
  EXPECT_EQ(container(), "");
  EXPECT_EQ(textOf(checkPod(pod, config)), "");
  spec.setPid(Namespace::CONTAINER);
  spec.setPidTarget(std::string(64, 'a'));
  EXPECT_NE(container(), "") << "the ceiling says no";
  config.getCeiling().setTargetPid(true);
  EXPECT_EQ(container(), "");
  spec.setPid(Namespace::POD);
  EXPECT_NE(container(), "") << "one of the two";
}

TEST_F(Rules, AmbientIsOneOfTheCapabilities) {
  spec.initAmbientCapabilities(1).set(0, "CAP_CHOWN");
  EXPECT_NE(container(), "");
  spec.initCapabilities(1).set(0, "CAP_CHOWN");
  EXPECT_EQ(container(), "");
}

TEST_F(Rules, SeccompIsWhatTheCeilingWants) {
  using schema::Seccomp;
  for (Seccomp fine : {Seccomp::RUNTIME_DEFAULT, Seccomp::UNSPECIFIED}) {
    spec.setSeccomp(fine);
    EXPECT_EQ(container(), "");
  }
  for (auto wrong : {Seccomp::UNCONFINED, Seccomp::LOCALHOST, Seccomp{4}}) {
    spec.setSeccomp(wrong);
    EXPECT_NE(container(), "") << "not granted, without a path, no word";
  }
  spec.setSeccomp(Seccomp::LOCALHOST);
  spec.setSeccompProfile("/a/../b");
  EXPECT_NE(container(), "");
  spec.setSeccompProfile("/a/b");
  EXPECT_EQ(container(), "");
}

TEST_F(Rules, AProfileThatAllowsByDefaultIsUnconfined) {
  using Action = schema::SeccompProfile::Action;
  for (Action closed : {Action::ERRNO, Action::KILL, Action::KILL_PROCESS, Action::KILL_THREAD, Action::TRAP})
    EXPECT_EQ(profile(closed), "");
  for (Action open : {Action::ALLOW, Action::LOG}) EXPECT_NE(profile(open), "");
  config.getCeiling().setSeccompUnconfined(true);
  for (Action open : {Action::ALLOW, Action::LOG}) EXPECT_EQ(profile(open), "");
}

}  // namespace
}  // namespace bulkhead::ceiling
