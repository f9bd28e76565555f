// The supervisor with fake daemons, as root: real processes, control groups and sockets.
#include "cli/supervisor/supervisor.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "cli/supervisor/directories.h"
#include "daemons/common/base/io.h"
#include "daemons/common/base/process.h"
#include "daemons/common/base/sockets.h"

namespace bulkhead::supervisor {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr const char* programs[] = {"bulkhead-cri", "bulkhead-imaged", "bulkhead-storaged", "bulkhead-netd",
                                    "bulkhead-launcher"};

bool eventually(const std::function<bool()>& condition) {
  for (int i = 0; i < 200; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(50ms);
  }
  return condition();
}

bool isAlive(pid_t pid) {
  std::string stat = readSmallFile("/proc/" + std::to_string(pid) + "/stat");
  return !stat.empty() && stat.substr(stat.rfind(')') + 2, 1) != "Z";
}

class SupervisorTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    // The root is short: sockets lie deep beneath it.
    char directory[] = "/tmp/bh-XXXXXX";
    ASSERT_NE(::mkdtemp(directory), nullptr);
    root_ = directory;
    for (const char* name : {"/lib", "/seen", "/behaviour"}) fs::create_directory(root_ + name);
    fs::path fake = fs::read_symlink("/proc/self/exe").parent_path() / "fake-daemon";
    for (const char* program : programs) fs::create_symlink(fake, root_ + "/lib/" + program);
    instance_ = cli::Instance::at(root_, root_ + "/lib").value();
    accounts_.cri = {60101, 60201};
    accounts_.image = {60102, 60202};
    accounts_.storage = {60103, 60203};
    accounts_.net = {60104, 60204};
    accounts_.socketGid = 60205;
    timing_.firstBackoff = 20ms;
    timing_.readyLimit = 20s;
    timing_.stopLimit = 1s;
  }

  void TearDown() override {
    if (supervisor_ > 0) stop(SIGKILL);
    if (root_.empty()) return;
    fs::remove_all(root_);
    auto place = findCgroupPlace(readSmallFile("/proc/self/mountinfo"), readSmallFile("/proc/self/cgroup"));
    CgroupHome home(*place, instance_.tag());
    EXPECT_TRUE(eventually([&] { return home.remove({"cri", "imaged", "storaged", "netd", "launcher"}); }));
  }

  void behave(const std::string& program, const std::string& how) {
    std::ofstream(root_ + "/behaviour/" + program) << how;
  }

  // Runs the supervisor in a child, which writes "ready" or its error into the returned pipe.
  void start() {
    Pipe pipe = makePipe();
    supervisor_ = ::fork();
    ASSERT_GE(supervisor_, 0);
    if (supervisor_ == 0) ::_exit(supervise(pipe.write.get()));
    said_ = std::move(pipe.read);
  }

  int supervise(int out) {
    try {
      makeRunDirectory(instance_);
      Fd lock = lockInstance(instance_);
      makeDirectories(instance_, accounts_);
      Supervisor supervisor(instance_, accounts_, {}, {"/c.toml", "/ceiling.toml", ""}, timing_);
      supervisor.run([out] { (void)writeAll(out, "ready\n"); });
      return 0;
    } catch (const std::exception& error) {
      (void)writeAll(out, error.what());
      return 1;
    }
  }

  // One chunk of what the supervisor said.
  std::string said() {
    char text[1024];
    ssize_t n = ::read(said_.get(), text, sizeof text);
    return n > 0 ? std::string(text, static_cast<size_t>(n)) : "";
  }

  // Exit status of the supervisor.
  int stop(int signal) {
    (void)::kill(supervisor_, signal);
    return waitFor(std::exchange(supervisor_, 0), std::nullopt)->code;
  }

  // What each run of a daemon noted.
  std::vector<std::string> seen(const std::string& program) const {
    std::ifstream file(root_ + "/seen/" + program);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }

  pid_t pidOf(const std::string& program) const {
    auto lines = seen(program);
    return lines.empty() ? 0 : static_cast<pid_t>(std::stol(lines.back().substr(4)));
  }

  std::vector<pid_t> allPids() const {
    std::vector<pid_t> pids;
    for (const char* program : programs) pids.push_back(pidOf(program));
    return pids;
  }

  bool allGone(const std::vector<pid_t>& pids) const {
    return eventually([&] { return std::ranges::none_of(pids, isAlive); });
  }

  std::string root_;
  cli::Instance instance_;
  cli::Accounts accounts_;
  Timing timing_;
  pid_t supervisor_ = 0;
  Fd said_;
};

TEST_F(SupervisorTest, startsAllWithTheirSocketsAndArguments) {
  start();
  ASSERT_EQ(said(), "ready\n");
  std::string storaged = seen("bulkhead-storaged").at(0);
  EXPECT_NE(storaged.find("names=storaged:mounter took=mounter took=storaged"), std::string::npos)
      << storaged;
  EXPECT_NE(storaged.find("--root," + root_ + ",--config,/c.toml,--ceiling,/ceiling.toml,"),
            std::string::npos);
  std::string cgroups =
      "\n" + readSmallFile("/proc/" + std::to_string(pidOf("bulkhead-launcher")) + "/cgroup");
  size_t at = storaged.find("--mounter-peer-cgroup,");
  ASSERT_NE(at, std::string::npos);
  std::string line = storaged.substr(at + 22, storaged.find(',', at + 22) - at - 22);
  EXPECT_NE(cgroups.find("\n" + line + "\n"), std::string::npos) << line << cgroups;
  EXPECT_EQ(seen("bulkhead-cri").at(0).find("--peer-cgroup"), std::string::npos);
}

TEST_F(SupervisorTest, givesSocketsAndDirectoriesTheirOwners) {
  fs::create_directories(root_ + "/run/imaged");
  fs::permissions(root_ + "/run/imaged", fs::perms::all);
  start();
  ASSERT_EQ(said(), "ready\n");
  auto expectOwner = [](const std::string& path, uid_t uid, gid_t gid, mode_t mode) {
    struct stat file {};
    ASSERT_EQ(::lstat(path.c_str(), &file), 0) << path;
    EXPECT_EQ(file.st_uid, uid) << path;
    EXPECT_EQ(file.st_gid, gid) << path;
    EXPECT_EQ(file.st_mode & 07777, mode) << path;
  };
  expectOwner(instance_.layout.criSocket(), 0, 60205, 0660);
  expectOwner(instance_.layout.imagedSocket(), 60102, 60201, 0660);
  expectOwner(instance_.layout.launcherSocket(), 0, 60201, 0660);
  expectOwner(instance_.layout.mounterSocket(), 0, 0, 0600);
  expectOwner(root_ + "/run/imaged", 60102, 60201, 0710);
}

TEST_F(SupervisorTest, restartsADaemonThatDiesAndKeepsItsSocket) {
  start();
  ASSERT_EQ(said(), "ready\n");
  pid_t before = pidOf("bulkhead-netd");
  Fd waiting = connectTo(instance_.layout.netdSocket(), SOCK_STREAM);
  ASSERT_TRUE(waiting);
  ASSERT_EQ(::kill(before, SIGKILL), 0);
  ASSERT_TRUE(eventually([&] { return seen("bulkhead-netd").size() == 2; }));
  EXPECT_NE(pidOf("bulkhead-netd"), before);
  EXPECT_TRUE(connectTo(instance_.layout.netdSocket(), SOCK_STREAM).valid());
  EXPECT_EQ(seen("bulkhead-cri").size(), 1U);
}

TEST_F(SupervisorTest, takesAllDownOnTerm) {
  behave("bulkhead-launcher", "ignore-term");
  start();
  ASSERT_EQ(said(), "ready\n");
  auto pids = allPids();
  EXPECT_EQ(stop(SIGTERM), 0);
  EXPECT_TRUE(std::ranges::none_of(pids, isAlive));
  EXPECT_FALSE(fs::exists(instance_.layout.criSocket()));
  EXPECT_FALSE(fs::exists(instance_.layout.run + "/notify"));
  auto place = findCgroupPlace(readSmallFile("/proc/self/mountinfo"), readSmallFile("/proc/self/cgroup"));
  EXPECT_FALSE(fs::exists(place->directory + "/" + instance_.tag()));
}

TEST_F(SupervisorTest, takesAllDownWhenKilled) {
  start();
  ASSERT_EQ(said(), "ready\n");
  auto pids = allPids();
  (void)stop(SIGKILL);
  EXPECT_TRUE(allGone(pids));
}

TEST_F(SupervisorTest, namesADaemonThatIsNotReady) {
  behave("bulkhead-netd", "never-ready");
  timing_.readyLimit = 3s;
  start();
  EXPECT_EQ(said(), "bulkhead-netd did not become ready within 3.00 s");
  EXPECT_EQ(stop(0), 1);
  EXPECT_TRUE(allGone(allPids()));
}

TEST_F(SupervisorTest, namesADaemonThatDoesNotStart) {
  behave("bulkhead-imaged", "exit");
  start();
  EXPECT_NE(said().find("bulkhead-imaged does not start: exit status 3, 3 times"), std::string::npos);
  EXPECT_EQ(stop(0), 1);
}

TEST_F(SupervisorTest, refusesASecondOneOnTheSameRoot) {
  start();
  ASSERT_EQ(said(), "ready\n");
  EXPECT_THROW((void)lockInstance(instance_), std::runtime_error);
  EXPECT_EQ(stop(SIGINT), 0);
  EXPECT_NO_THROW((void)lockInstance(instance_));
}

// Only the daemon itself can say that it is ready.
TEST_F(SupervisorTest, ignoresReadinessFromStrangers) {
  behave("bulkhead-cri", "never-ready");
  timing_.readyLimit = 3s;
  start();
  Fd notify;
  ASSERT_TRUE(
      eventually([&] { return (notify = connectTo(instance_.layout.run + "/notify", SOCK_DGRAM)).valid(); }));
  EXPECT_TRUE(writeAll(notify.get(), "READY=1"));
  EXPECT_NE(said().find("bulkhead-cri did not become ready"), std::string::npos);
  EXPECT_EQ(stop(0), 1);
}

}  // namespace
}  // namespace bulkhead::supervisor
