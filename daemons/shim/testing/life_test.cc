// A pod's whole life, with each OCI runtime, and what must be left of it: nothing.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "daemons/common/base/io.h"
#include "daemons/common/base/process.h"
#include "daemons/shim/record/exit-record.h"
#include "daemons/shim/testing/life.h"

namespace bulkhead::shim::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

TEST_P(Life, AWholeLifeLeavesNothing) {
  std::string mountsBefore = readFile("/proc/self/mountinfo");
  PodId pod = at().makePod();
  ContainerId id = make(pod, "echo hello; echo oops >&2; exit 7");
  EXPECT_EQ(at().state(id), State::CREATED);
  start(id);
  EXPECT_EQ(waitCode(id), 7);
  EXPECT_EQ(at().state(id), State::EXITED);
  EXPECT_THAT(at().log(id.text().substr(0, 8)), HasSubstr(" stdout F hello\n"));
  EXPECT_THAT(at().log(id.text().substr(0, 8)), HasSubstr(" stderr F oops\n"));
  EXPECT_THAT(at().tryAsk([&](auto request) { request.setRemovePod(pod.text()); }),
              HasSubstr("has containers"));
  remove(id);
  remove(id);
  removePod(pod);
  EXPECT_TRUE(std::filesystem::is_empty(at().layout().shimDirectory()));
  EXPECT_FALSE(std::filesystem::exists(at().layout().podsDirectory() + "/" + pod.text()));
  EXPECT_EQ(shimOf(id), 0);
  for (const auto& hierarchy : std::filesystem::directory_iterator("/sys/fs/cgroup")) {
    EXPECT_FALSE(std::filesystem::exists(hierarchy.path().string() + at().cgroupParent())) << hierarchy;
  }
  at().killLauncher(SIGTERM);
  EXPECT_EQ(readFile("/proc/self/mountinfo").find(at().layout().run), std::string::npos);
  at().startLauncher();
}

TEST_P(Life, TheHostNeverSeesAContainersMounts) {
  PodId pod = at().makePod();
  std::filesystem::create_directories(at().path("volumes/v"));
  std::string before = readFile("/proc/self/mountinfo");
  ContainerId id = make(pod, "sleep 100", [&](auto spec) {
    auto mount = spec.initMounts(1)[0];
    mount.setSource(at().path("volumes/v"));
    mount.setDestination("/data");
  });
  start(id);
  EXPECT_EQ(readFile("/proc/self/mountinfo"), before);
  remove(id);
  removePod(pod);
}

// So many that descriptors take numbers which the monitor's are moved through.
TEST_P(Life, AContainerOfManyVolumes) {
  constexpr unsigned many = 120;
  PodId pod = at().makePod();
  shell("mkdir -p " + at().path("volumes/many") + " && echo seen > " + at().path("volumes/many/file"));
  auto mountMany = [&](auto spec) {
    auto mounts = spec.initMounts(many);
    for (unsigned i = 0; i < many; ++i) {
      mounts[i].setSource(at().path("volumes/many"));
      mounts[i].setDestination("/many/" + std::to_string(i));
    }
  };
  EXPECT_EQ(run(pod, "cat /many/*/file | sort | uniq -c | tr -s ' '", mountMany), " 120 seen\n");
  removePod(pod);
}

TEST_P(Life, TheShimIsPowerless) {
  PodId pod = at().makePod();
  ContainerId id = make(pod, "sleep 100");
  start(id);
  pid_t shim = shimOf(id);
  ASSERT_NE(shim, 0);
  std::string status;
  for (int i = 0; i < 500; ++i) {
    status = readFile("/proc/" + std::to_string(shim) + "/status");
    if (status.find("Seccomp:\t2") != std::string::npos) break;
    std::this_thread::sleep_for(2ms);
  }
  for (const char* line :
       {"CapInh:\t0000000000000000", "CapPrm:\t0000000000000000", "CapEff:\t0000000000000000",
        "CapBnd:\t0000000000000000", "CapAmb:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"}) {
    EXPECT_THAT(status, HasSubstr(line));
  }
  EXPECT_THAT(status, HasSubstr("Uid:\t1900001000\t1900001000\t1900001000\t1900001000"));
  std::string mounts = readFile("/proc/" + std::to_string(shim) + "/mountinfo");
  EXPECT_EQ(std::count(mounts.begin(), mounts.end(), '\n'), 1) << mounts;
  remove(id);
  removePod(pod);
}

TEST_P(Life, AVolumesDeviceCanBeReleasedWhileTheShimLives) {
  shell("truncate -s 4M " + at().path("image") + " && mkfs.ext4 -q " + at().path("image"));
  std::string volume = at().path("volumes/disk");
  shell("mkdir " + volume + " && mount -o loop " + at().path("image") + " " + volume);
  PodId pod = at().makePod();
  ContainerId id = make(pod, "touch /data/seen; sleep 100", [&](auto spec) {
    auto mount = spec.initMounts(1)[0];
    mount.setSource(volume);
    mount.setDestination("/data");
  });
  start(id);
  pid_t shim = shimOf(id);
  for (int i = 0; i < 500 && !std::filesystem::exists(volume + "/seen"); ++i)
    std::this_thread::sleep_for(10ms);
  EXPECT_EQ(at().tryAsk([&](auto request) {
    auto signal = request.initSignalContainer();
    signal.setContainerId(id.text());
    signal.setSignal(SIGKILL);
  }),
            "");
  EXPECT_EQ(waitCode(id), 137);
  ASSERT_EQ(::kill(shim, 0), 0) << "the shim should still be there";
  std::string device = "/sys/block/";
  shell("losetup -n -O NAME -j " + at().path("image") + " > " + at().path("loop"));
  std::string loop = readFile(at().path("loop"));
  loop = loop.substr(0, loop.find('\n'));
  EXPECT_TRUE(std::filesystem::exists(volume + "/seen"));
  shell("umount " + volume);
  // An ext4 that is mounted anywhere, in any namespace, keeps its loop device.
  std::this_thread::sleep_for(100ms);
  EXPECT_FALSE(std::filesystem::exists(device + loop.substr(5) + "/loop/backing_file"));
  remove(id);
  removePod(pod);
}

TEST_P(Life, AKilledLauncherLeavesTheContainerRunning) {
  PodId pod = at().makePod();
  ContainerId id = make(pod, "sleep 3; exit 5");
  start(id);
  at().killLauncher(SIGKILL);
  at().startLauncher();
  EXPECT_EQ(at().state(id), State::RUNNING);
  EXPECT_EQ(waitCode(id), 5);
  auto packet = at().ask([&](auto request) { request.setList(); });
  auto pods = packet->as<schema::LaunchReply>().getList();
  ASSERT_EQ(pods.size(), 1U);
  EXPECT_EQ(pods[0].getContainers()[0].getExit().getCode(), 5);
  EXPECT_GT(pods[0].getContainers()[0].getExit().getStartedAt(), 0);
  remove(id);
  removePod(pod);
}

TEST_P(Life, CreateIsIdempotentById) {
  PodId pod = at().makePod();
  ContainerId id = make(pod, "sleep 100");
  auto first = at().ask([&](auto request) { request.setInspect(id.text()); });
  auto again = at().ask(at().container(id, pod, {"/bin/true"}));
  EXPECT_EQ(again->as<schema::LaunchReply>().getContainer().getPid(),
            first->as<schema::LaunchReply>().getContainer().getPid());
  remove(id);
  removePod(pod);
}

TEST_P(Life, ExecRunsInsideAndEndsInTime) {
  PodId pod = at().makePod();
  ContainerId id =
      make(pod, "sleep 100", [](auto spec) { spec.initEnv(1).set(0, ipc::toData("COLOUR=red")); });
  start(id);
  auto exec = [&](const std::string& script, unsigned timeout, std::string& out) {
    Pipe stdoutPipe = makePipe();
    Pipe stderrPipe = makePipe();
    auto packet = at().ask(
        [&](auto request) {
          auto spec = request.initExec();
          spec.setContainerId(id.text());
          auto args = spec.initArgs(3);
          args.set(0, ipc::toData("/bin/sh"));
          args.set(1, ipc::toData("-c"));
          args.set(2, ipc::toData(script));
          spec.setTimeoutMs(timeout);
        },
        {stdoutPipe.write.get(), stderrPipe.write.get()});
    stdoutPipe.write.reset();
    out = readBounded(stdoutPipe.read.get(), 65536).value_or("too much");
    return packet;
  };
  std::string out;
  auto packet = exec("echo $COLOUR $$; hostname; exit 3", 0, out);
  auto first = packet->as<schema::LaunchReply>();
  ASSERT_TRUE(first.isExec()) << (first.isRefused() ? first.getRefused().getReason().cStr() : "");
  EXPECT_EQ(first.getExec().getExited(), 3);
  EXPECT_THAT(out, HasSubstr("red "));
  EXPECT_THAT(out, HasSubstr("a-pod"));
  auto before = std::chrono::steady_clock::now();
  packet = exec("sleep 50 & sleep 60", 300, out);
  EXPECT_TRUE(packet->as<schema::LaunchReply>().getExec().isTimedOut());
  EXPECT_LT(std::chrono::steady_clock::now() - before, 2s);
  packet = exec("exec /bin/nothing", 0, out);
  EXPECT_EQ(packet->as<schema::LaunchReply>().getExec().getExited(), 127);
  remove(id);
  removePod(pod);
}

TEST_P(Life, AnExecEndsWhenItsCallerIsGone) {
  PodId pod = at().makePod();
  ContainerId id = make(pod, "sleep 100");
  start(id);
  Pipe out = makePipe();
  Pipe err = makePipe();
  pid_t caller = ::fork();
  if (caller == 0) {
    (void)at().ask(
        [&](auto request) {
          auto spec = request.initExec();
          spec.setContainerId(id.text());
          auto args = spec.initArgs(3);
          args.set(0, ipc::toData("/bin/sh"));
          args.set(1, ipc::toData("-c"));
          args.set(2, ipc::toData("echo on; sleep 1000; true"));
        },
        {out.write.get(), err.write.get()});
    ::_exit(0);
  }
  out.write.reset();
  char first = 0;
  ASSERT_EQ(::read(out.read.get(), &first, 1), 1);
  ::kill(caller, SIGKILL);
  (void)waitFor(caller, std::nullopt);
  // The end of the pipe: nothing of the exec is left that could write into it.
  pollfd ended{out.read.get(), POLLIN, 0};
  std::string rest;
  for (char byte = 0; ::poll(&ended, 1, 5000) == 1 && ::read(out.read.get(), &byte, 1) == 1;) rest += byte;
  EXPECT_EQ(rest, "n\n");
  EXPECT_EQ(::poll(&ended, 1, 0), 1) << "the command still runs";
  EXPECT_EQ(at().state(id), State::RUNNING);
  remove(id);
  removePod(pod);
}

TEST_P(Life, AContainerWithoutItsMonitorIsKilledAndLost) {
  PodId pod = at().makePod();
  ContainerId id = make(pod, "while :; do sleep 1; done");
  start(id);
  EXPECT_EQ(at().state(id), State::RUNNING);
  auto packet = at().ask([&](auto request) { request.setInspect(id.text()); });
  auto info = packet->as<schema::LaunchReply>().getContainer();
  EXPECT_GT(info.getExit().getStartedAt(), 0);
  pid_t first = info.getPid();
  // Its command line is gone before it has ended.
  Fd shim(static_cast<int>(::syscall(SYS_pidfd_open, shimOf(id), 0)));
  ASSERT_EQ(::syscall(SYS_pidfd_send_signal, shim.get(), SIGKILL, nullptr, 0), 0);
  struct pollfd end {
    shim.get(), POLLIN, 0
  };
  ASSERT_EQ(::poll(&end, 1, 10000), 1);
  EXPECT_EQ(at().state(id), State::LOST);
  EXPECT_FALSE(std::filesystem::exists("/proc/" + std::to_string(first) + "/exe"));
  remove(id);
  removePod(pod);
}

TEST_P(Life, ARefusalNamesWhatTheRuntimeSaid) {
  PodId pod = at().makePod();
  ContainerId id = ContainerId::generate();
  std::string refused = at().tryAsk(at().container(id, pod, {"/bin/missing"}));
  EXPECT_THAT(refused, HasSubstr("/bin/missing"));
  EXPECT_THAT(at().tryAsk([&](auto request) { request.setInspect(id.text()); }),
              HasSubstr("is not a container"));
  removePod(pod);
}

constexpr const char* inheritedScript = R"(
grep -E '^(SigPnd|ShdPnd|SigBlk|SigIgn|SigCgt|Cap|NoNew|Seccomp|Groups|Umask|Cpus_allowed:|Mems_allowed:)' \
  /proc/self/status
cat /proc/self/limits /proc/self/oom_score_adj /proc/self/timerslack_ns
ls /proc/self/fd
)";

// The bare runtime's own document with the same identity, capabilities and number of filters: what remains is
// inherited.
constexpr const char* editSpec = R"(
import json
c = json.load(open('config.json'))
p = c['process']
p.update(terminal=False, args=['/bin/sh', '/script'], noNewPrivileges=False, user={'uid': 0, 'gid': 0})
p['user']['additionalGids'] = [0]
p['capabilities'] = {kind: [] for kind in p['capabilities']}
p.pop('rlimits', None)
c['linux']['seccomp'] = {'defaultAction': 'SCMP_ACT_ALLOW',
                         'syscalls': [{'names': ['acct'], 'action': 'SCMP_ACT_ERRNO'}]}
json.dump(c, open('config.json', 'w'))
)";

// What the launcher passes on must be what the bare runtime passes on.
TEST_P(Life, NothingOfTheLauncherIsInherited) {
  std::ofstream(at().path("busybox/script")) << inheritedScript;
  PodId pod = at().makePod();
  std::string ours = run(pod, "exec /bin/sh /script");
  removePod(pod);
  EXPECT_THAT(ours, HasSubstr("Seccomp:\t2"));

  std::string bundle = at().path("bare");
  std::filesystem::create_directories(bundle);
  std::filesystem::copy(
      at().path("busybox"), bundle + "/rootfs",
      std::filesystem::copy_options::recursive | std::filesystem::copy_options::copy_symlinks);
  std::ofstream(bundle + "/edit.py") << editSpec;
  std::string runtime = GetParam();
  shell("cd " + bundle + " && " + runtime + " spec && python3 edit.py && umask 022 && " + runtime +
        " --root " + bundle + "/state run bare-" + at().cgroupParent().substr(1) + " > out 2>&1 </dev/null");
  EXPECT_EQ(ours, readFile(bundle + "/out"));
}

TEST_P(Life, PodFilesAndSharedMemory) {
  PodId pod = at().makePod([](auto spec) { spec.initDns().initServers(1).set(0, "10.0.0.10"); });
  std::string text =
      run(pod, "cat /etc/resolv.conf /etc/hostname; hostname; grep /dev/shm /proc/mounts; touch /dev/shm/x");
  EXPECT_THAT(text, HasSubstr("nameserver 10.0.0.10\na-pod\na-pod\n"));
  EXPECT_THAT(text, HasSubstr("noexec"));
  EXPECT_THAT(run(pod, "ls /dev/shm"), HasSubstr("x"));
  removePod(pod);
}

TEST_P(Life, BidirectionalAndHostToContainerKeepTheirPeers) {
  std::string volume = at().path("volumes");
  shell("mount -t tmpfs shared " + volume + " && mount --make-shared " + volume + " && mkdir " + volume +
        "/up " + volume + "/down");
  PodId pod = at().makePod();
  ContainerId id = make(pod,
                        "mount -t tmpfs inside /both/up; mount -t tmpfs hidden /slave/up; sleep 1; grep late "
                        "/proc/mounts; sleep 100",
                        [&](auto spec) {
                          spec.initCapabilities(1).set(0, "CAP_SYS_ADMIN");
                          auto mounts = spec.initMounts(3);
                          for (auto mount : mounts) mount.setSource(volume);
                          mounts[0].setDestination("/both");
                          mounts[0].setPropagation(schema::Mount::Propagation::BIDIRECTIONAL);
                          mounts[1].setDestination("/slave");
                          mounts[1].setPropagation(schema::Mount::Propagation::HOST_TO_CONTAINER);
                          mounts[2].setDestination("/private");
                        });
  start(id);
  shell("mount -t tmpfs late " + volume + "/down");
  for (int i = 0; i < 300 && output(id).empty(); ++i) std::this_thread::sleep_for(10ms);
  EXPECT_THAT(output(id), HasSubstr("late /both/down "));
  EXPECT_THAT(output(id), HasSubstr("late /slave/down "));
  EXPECT_THAT(output(id), Not(HasSubstr("/private/down")));
  EXPECT_THAT(readFile("/proc/self/mounts"), HasSubstr("inside " + volume + "/up "));
  EXPECT_THAT(readFile("/proc/self/mounts"), Not(HasSubstr("hidden")));
  remove(id);
  removePod(pod);
  shell("umount -l " + volume);
}

TEST_P(Life, TheWrongUidIsNotHeard) {
  EXPECT_FALSE(at().ask([](auto request) { request.setList(); }, {}, 0).has_value());
}

INSTANTIATE_TEST_SUITE_P(Runtimes, Life, ::testing::Values("runc", "crun"),
                         [](const auto& runtime) { return std::string(runtime.param); });

}  // namespace
}  // namespace bulkhead::shim::testing
