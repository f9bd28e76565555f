// Confines children and asks the kernel, through /proc and by trying. Root's cases are skipped for others.
#include "daemons/common/jail/confine.h"

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <thread>

#include "daemons/common/base/fd.h"
#include "daemons/common/base/io.h"
#include "daemons/common/jail/build.h"
#include "daemons/common/jail/capabilities.h"
#include "daemons/common/jail/filter.h"
#include "daemons/common/jail/in-child.h"
#include "daemons/common/jail/landlock.h"

namespace bulkhead::jail {
namespace {

constexpr uid_t someUser = 1900000100;
constexpr int killedByFilter = 128 + SIGSYS;

bool isRoot() {
  return ::geteuid() == 0;
}

Confinement confinementOf(const Privileges& row) {
  if (row.identity == Identity::root) return {};
  uid_t uid = isRoot() ? someUser : ::getuid();
  gid_t gid = isRoot() ? someUser : ::getgid();
  return {.uid = uid, .gid = gid};
}

// The value of one line of /proc/PID/status, without tabs at its start.
std::string field(const std::string& status, const std::string& name) {
  // "Name" is the first line.
  size_t at = ("\n" + status).find("\n" + name + ":");
  if (at == std::string::npos) return "?";
  at = status.find_first_not_of("\t ", at + name.size() + 1);
  return status.substr(at, status.find('\n', at) - at);
}

// Becomes `row` in a child that then waits, and returns what the kernel says of it.
struct Confined {
  std::string status;
  std::string network;
};
Confined observe(const Privileges& row) {
  Pipe ready = makePipe();
  Pipe finish = makePipe();
  pid_t child = ::fork();
  if (child == 0) {
    finish.write.reset();
    char byte = 0;
    try {
      confine(row.process, confinementOf(row));
      if (writeAll(ready.write.get(), "r")) byte = static_cast<char>(::read(finish.read.get(), &byte, 1));
    } catch (const std::exception& error) {
      (void)writeAll(STDERR_FILENO, error.what());
    }
    ::_exit(0);
  }
  char byte = 0;
  ready.write.reset();
  Confined seen;
  if (::read(ready.read.get(), &byte, 1) == 1) {
    std::string proc = "/proc/" + std::to_string(child);
    seen.status = readSmallFile(proc + "/status");
    char link[64] = {};
    if (::readlink((proc + "/ns/net").c_str(), link, sizeof link - 1) > 0) seen.network = link;
  }
  finish.write.reset();
  (void)::waitpid(child, nullptr, 0);
  return seen;
}

class EveryRow : public testing::TestWithParam<size_t> {};

TEST_P(EveryRow, IsWhatTheKernelSays) {
  const Privileges& row = privilegeTable()[GetParam()];
  if (!isRoot() && row.identity == Identity::root) GTEST_SKIP() << "needs root";
  CapabilitySet start = boundingCapabilities();
  auto hex = [](CapabilitySet set) {
    char text[17] = {};
    (void)std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(set));
    return std::string(text);
  };
  Confined seen = observe(row);
  ASSERT_NE(seen.status, "") << "did not become confined";
  std::string id = std::to_string(confinementOf(row).uid);
  EXPECT_EQ(field(seen.status, "Name"), row.name);
  EXPECT_EQ(field(seen.status, "Uid"), id + "\t" + id + "\t" + id + "\t" + id);
  std::string group = std::to_string(confinementOf(row).gid);
  EXPECT_EQ(field(seen.status, "Gid"), group + "\t" + group + "\t" + group + "\t" + group);
  EXPECT_EQ(field(seen.status, "CapEff"), hex(row.capabilities & start));
  EXPECT_EQ(field(seen.status, "CapPrm"), hex(row.capabilities & start));
  EXPECT_EQ(field(seen.status, "CapInh"), hex(0));
  EXPECT_EQ(field(seen.status, "CapAmb"), hex(0));
  EXPECT_EQ(field(seen.status, "NoNewPrivs"), row.noNewPrivileges ? "1" : "0");
  EXPECT_EQ(field(seen.status, "Seccomp"), row.filtered ? "2" : "0");
  if (!isRoot()) return;
  EXPECT_EQ(field(seen.status, "CapBnd"), hex(row.bounding & start));
  EXPECT_EQ(field(seen.status, "Groups"), "");
  char own[64] = {};
  ASSERT_GT(::readlink("/proc/self/ns/net", own, sizeof own - 1), 0);
  bool bornWithout = bornWithoutNetwork(row.process);
  bool leaves = row.network != Network::outbound && row.network != Network::host && !bornWithout;
  EXPECT_EQ(seen.network != own, leaves);
}

std::string rowName(const testing::TestParamInfo<size_t>& info) {
  std::string name(privilegeTable()[info.param].name);
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
}
INSTANTIATE_TEST_SUITE_P(PrivilegeTable, EveryRow, testing::Range<size_t>(0, privilegeTable().size()),
                         rowName);

// Runs `body` as `process` and says how that ended.
template <typename Body>
int codeWhen(Process process, Body body, std::vector<Access> paths = {}) {
  return codeOfChild([&] {
    Confinement confinement = confinementOf(privilegesOf(process));
    confinement.paths = std::move(paths);
    confine(process, confinement);
    return body();
  });
}

class Filter : public testing::Test {
 protected:
  void SetUp() override {
    if (sanitizedBuild) GTEST_SKIP() << "sanitized builds only log";
  }
};

TEST_F(Filter, KillsExecve) {
  char name[] = "/bin/true";
  char* argv[] = {name, nullptr};
  for (Process process : {Process::cri, Process::imaged, Process::fetcher, Process::storaged, Process::netd,
                          Process::parseWorker, Process::execMonitor, Process::shim}) {
    EXPECT_EQ(codeWhen(process, [&] { return ::execv(name, argv); }), killedByFilter)
        << privilegesOf(process).name;
  }
}

TEST_F(Filter, KillsSocketsOfOtherFamilies) {
  auto inet = [] { return ::socket(AF_INET, SOCK_STREAM, 0) >= 0 ? 0 : 1; };
  auto local = [] { return ::socket(AF_UNIX, SOCK_STREAM, 0) >= 0 ? 0 : 1; };
  EXPECT_EQ(codeWhen(Process::cri, inet), killedByFilter);
  EXPECT_EQ(codeWhen(Process::cri, local), 0);
  EXPECT_EQ(codeWhen(Process::shim, local), killedByFilter);
  EXPECT_EQ(codeWhen(Process::fetcher, inet), 0);
}

// cri holds the terminals of execs, a shim its container's: nobody types into them by ioctl.
TEST_F(Filter, LetsTheSizeOfATerminalBeChangedAndNothingElse) {
  winsize size{};
  auto resize = [&size] { return ::ioctl(STDIN_FILENO, TIOCSWINSZ, &size) == 0 || errno != EPERM ? 0 : 1; };
  auto type = [] { return ::ioctl(STDIN_FILENO, TIOCSTI, "x") == 0 ? 0 : 1; };
  for (Process process : {Process::cri, Process::shim}) {
    EXPECT_EQ(codeWhen(process, resize), 0) << privilegesOf(process).name;
    EXPECT_EQ(codeWhen(process, type), killedByFilter) << privilegesOf(process).name;
  }
  EXPECT_EQ(codeWhen(Process::imaged, resize), killedByFilter);
}

// A netlink socket in another namespace is all that netns-helper may enter one for.
TEST_F(Filter, NetnsHelperOpensNoOtherNetlinkSocket) {
  auto open = [](int protocol) {
    return [protocol] { return ::socket(AF_NETLINK, SOCK_RAW, protocol) >= 0 ? 0 : 1; };
  };
  EXPECT_EQ(codeWhen(Process::netnsHelper, open(0)), 0);               // NETLINK_ROUTE
  EXPECT_EQ(codeWhen(Process::netnsHelper, open(9)), killedByFilter);  // NETLINK_AUDIT
  EXPECT_EQ(codeWhen(Process::netd, open(0)), killedByFilter);
  auto enterMounts = [] { return ::setns(STDIN_FILENO, CLONE_NEWNS) == 0 ? 0 : 1; };
  EXPECT_EQ(codeWhen(Process::netnsHelper, enterMounts), killedByFilter);
}

// A TCP connection that came in through cri's inherited listener, and where it could be aimed at.
struct CameIn {
  CameIn() : listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener.get(), any(), size), 0);
    EXPECT_EQ(::listen(listener.get(), 8), 0);
    EXPECT_EQ(::getsockname(listener.get(), any(), &size), 0);
    client = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(client.get(), any(), size), 0);
    connection = Fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }
  struct sockaddr* any() {
    return reinterpret_cast<struct sockaddr*>(&address);
  }
  int loosen() const {
    struct sockaddr nowhere {};
    nowhere.sa_family = AF_UNSPEC;
    return ::connect(connection.get(), &nowhere, sizeof nowhere);
  }
  struct sockaddr_in address {};
  Fd listener, client, connection;
};

TEST_F(Filter, KillsMakingSomethingElseOfWhatCameIn) {
  CameIn in;
  ASSERT_TRUE(in.connection);
  EXPECT_EQ(
      codeWhen(Process::cri, [&] { return ::send(in.connection.get(), "x", 1, MSG_NOSIGNAL) == 1 ? 0 : 1; }),
      0);
  EXPECT_EQ(codeWhen(Process::cri, [&] { return ::listen(in.connection.get(), 1); }), killedByFilter);
  EXPECT_EQ(codeWhen(Process::cri, [&] { return ::bind(in.connection.get(), in.any(), sizeof in.address); }),
            killedByFilter);
  // TCP Fast Open is a connect(2) that Landlock does not see.
  EXPECT_EQ(codeWhen(Process::cri,
                     [&] {
                       (void)in.loosen();
                       return ::sendto(in.connection.get(), "x", 1, MSG_FASTOPEN, in.any(),
                                       sizeof in.address) == 1
                                  ? 0
                                  : 1;
                     }),
            killedByFilter);
  EXPECT_EQ(codeWhen(Process::cri,
                     [&] {
                       struct msghdr message {};
                       return ::sendmsg(in.connection.get(), &message, MSG_FASTOPEN) >= 0 ? 0 : 1;
                     }),
            killedByFilter);
}

TEST_F(Filter, KillsSettingTheOwnerOfADescriptor) {
  EXPECT_EQ(codeWhen(Process::shim, [] { return ::fcntl(0, F_SETOWN, 1); }), killedByFilter);
  EXPECT_EQ(codeWhen(Process::shim, [] { return ::fcntl(0, F_GETFD) >= 0 ? 0 : 1; }), 0);
}

TEST_F(Filter, KillsNewExecutableMemory) {
  auto map = [](int protection) {
    return ::mmap(nullptr, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? 1 : 0;
  };
  EXPECT_EQ(codeWhen(Process::parseWorker, [&] { return map(PROT_READ | PROT_WRITE); }), 0);
  EXPECT_EQ(codeWhen(Process::parseWorker, [&] { return map(PROT_READ | PROT_EXEC); }), killedByFilter);
}

TEST_F(Filter, KillsNewNamespacesAndRaisedLimits) {
  EXPECT_EQ(codeWhen(Process::cri, [] { return ::unshare(CLONE_NEWUSER); }), killedByFilter);
  struct rlimit limit {
    1, 1
  };
  EXPECT_EQ(codeWhen(Process::cri, [&] { return ::setrlimit(RLIMIT_NOFILE, &limit); }), killedByFilter);
}

TEST_F(Filter, LetsThreadsStart) {
  EXPECT_EQ(codeWhen(Process::cri,
                     [] {
                       int answer = 1;
                       std::thread([&answer] { answer = 0; }).join();
                       return answer;
                     }),
            0);
}

// abort(3)'s tgkill(2) would do for any process of the same user, and for root's workers for any process.
TEST_F(Filter, KillsSendingAnySignal) {
  EXPECT_EQ(codeWhen(Process::parseWorker, []() -> int { std::abort(); }), killedByFilter);
  pid_t parent = ::getpid();
  for (Process process : {Process::parseWorker, Process::unpackWorker, Process::storaged, Process::shim}) {
    if (!isRoot() && privilegesOf(process).identity == Identity::root) continue;
    for (int signal : {0, SIGABRT}) {
      auto send = [&] { return static_cast<int>(::syscall(SYS_tgkill, parent, parent, signal)); };
      EXPECT_EQ(codeWhen(process, send), killedByFilter) << privilegesOf(process).name;
    }
  }
}

// ipc/peer.cc, where there is no SO_PEERPIDFD.
TEST_F(Filter, LetsServersHoldTheirPeer) {
  for (Process process : {Process::imaged, Process::storaged, Process::netd, Process::mounter}) {
    if (!isRoot() && privilegesOf(process).identity == Identity::root) continue;
    auto hold = [] { return ::syscall(SYS_pidfd_open, ::getpid(), 0) >= 0 ? 0 : 1; };
    EXPECT_EQ(codeWhen(process, hold), 0) << privilegesOf(process).name;
  }
}

class Paths : public testing::Test {
 protected:
  void SetUp() override {
    if (::syscall(SYS_landlock_create_ruleset, nullptr, 0, 1) < 1) GTEST_SKIP() << "no Landlock";
  }
};

int canOpen(const char* path, int flags) {
  return ::open(path, flags | O_CLOEXEC, 0600) >= 0 ? 0 : errno;
}

TEST_F(Paths, OutsideAreRefused) {
  std::vector<Access> paths{{"/usr", Access::Right::read}, {"/no/such/path", Access::Right::read}};
  EXPECT_EQ(codeWhen(
                Process::cri, [] { return canOpen("/usr", O_RDONLY); }, paths),
            0);
  EXPECT_EQ(codeWhen(
                Process::cri, [] { return canOpen("/etc/passwd", O_RDONLY); }, paths),
            EACCES);
  EXPECT_EQ(codeWhen(Process::cri, [] { return canOpen("/etc/passwd", O_RDONLY); }), EACCES);
}

// What stats need, and no more of /sys; nor of /proc, where it could look at the other daemons.
TEST_F(Paths, CriReadsControlGroupsAndWritesNone) {
  std::vector<Access> paths{{"/sys/fs/cgroup", Access::Right::read}};
  std::string group =
      ::access("/sys/fs/cgroup/cgroup.procs", F_OK) == 0 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory";
  std::string file = group + "/cgroup.procs";
  if (::access(file.c_str(), F_OK) != 0) GTEST_SKIP() << "no control groups here";
  auto code = [&paths](const std::string& path, int flags) {
    return codeWhen(
        Process::cri, [&] { return canOpen(path.c_str(), flags); }, paths);
  };
  EXPECT_EQ(code(file, O_RDONLY), 0);
  EXPECT_EQ(code(file, O_WRONLY), EACCES);
  EXPECT_EQ(codeWhen(
                Process::cri,
                [&] { return ::mkdir((group + "/bulkhead-test").c_str(), 0700) == 0 ? 0 : errno; }, paths),
            EACCES);
  for (const char* other : {"/sys/kernel/mm", "/sys/class", "/proc/self/status", "/etc/passwd"})
    EXPECT_EQ(code(other, O_RDONLY), EACCES) << other;
}

TEST_F(Paths, ConnectionsThatCameInCannotBeReaimed) {
  constexpr long firstWithNetwork = 4;
  if (::syscall(SYS_landlock_create_ruleset, nullptr, 0, 1) < firstWithNetwork)
    GTEST_SKIP() << "older kernel";
  auto reaim = [](CameIn& in) {
    (void)in.loosen();
    return ::connect(in.connection.get(), in.any(), sizeof in.address) == 0 ? 0 : errno;
  };
  CameIn first, second;
  EXPECT_EQ(codeOfChild([&] { return reaim(first); }), 0) << "and it could, unconfined";
  EXPECT_EQ(codeWhen(Process::cri, [&] { return reaim(second); }), EACCES);
}

TEST_F(Paths, ReadDoesNotAllowWriting) {
  char name[] = "/tmp/bulkhead-confine-test-XXXXXX";
  ASSERT_NE(::mkdtemp(name), nullptr);
  std::string file = std::string(name) + "/file";
  ASSERT_EQ(::chmod(name, 0777), 0);
  auto create = [&] { return canOpen(file.c_str(), O_WRONLY | O_CREAT); };
  EXPECT_EQ(codeWhen(Process::cri, create, {{name, Access::Right::read}}), EACCES);
  EXPECT_EQ(codeWhen(Process::cri, create, {{name, Access::Right::readWrite}}), 0);
  (void)::unlink(file.c_str());
  (void)::rmdir(name);
}

TEST_F(Paths, SignalsStayInside) {
  constexpr long firstWithScopes = 6;
  if (::syscall(SYS_landlock_create_ruleset, nullptr, 0, 1) < firstWithScopes) GTEST_SKIP() << "older kernel";
  pid_t parent = ::getpid();
  EXPECT_EQ(codeOfChild([&] {
              if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || !restrictPaths({}, Network::none))
                return 98;
              return ::kill(parent, 0) == 0 ? 0 : errno;
            }),
            EPERM);
}

TEST(Confine, KeepsDyingWithItsParent) {
  if (!isRoot()) GTEST_SKIP() << "needs root";
  EXPECT_EQ(codeOfChild([] {
              if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return 2;
              confine(Process::configReader, {.uid = someUser, .gid = someUser});
              return 0;
            }),
            0);
  // confine() reads it back itself; here the kernel shows what it would have been otherwise.
  EXPECT_EQ(codeOfChild([] {
              int signal = 0;
              if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::setresuid(someUser, someUser, someUser) != 0)
                return 2;
              return ::prctl(PR_GET_PDEATHSIG, &signal) == 0 && signal == 0 ? 0 : 1;
            }),
            0);
}

TEST(Confine, RefusesASecondThread) {
  if (sanitizedBuild) GTEST_SKIP();
  EXPECT_EQ(codeOfChild([] {
              std::thread([] { ::pause(); }).detach();
              try {
                confine(Process::cri, confinementOf(privilegesOf(Process::cri)));
              } catch (const std::logic_error&) {
                return 0;
              }
              return 1;
            }),
            0);
}

TEST(Confine, RefusesAnIdentityThatDoesNotFit) {
  EXPECT_THROW(confine(Process::cri, {.uid = 0}), std::logic_error);
  EXPECT_THROW(confine(Process::mounter, {.uid = someUser}), std::logic_error);
  EXPECT_EQ(codeOfChild([] {
              confine(Process::mounter, {.capabilities = CapabilitySet{1}});
              return 0;
            }),
            childThrew);
}

TEST(Confine, FailsWhenAWallCannotBeRaised) {
  if (!isRoot()) GTEST_SKIP() << "needs root";
  // Without the right to change the uid, and without a capability that the row needs.
  EXPECT_EQ(codeOfChild([] {
              setCapabilities(boundingCapabilities() & ~(CapabilitySet{1} << CAP_SETUID));
              confine(Process::cri, {.uid = someUser, .gid = someUser});
              return 0;
            }),
            childThrew);
  EXPECT_EQ(codeOfChild([] {
              setCapabilities(boundingCapabilities() & ~(CapabilitySet{1} << CAP_FOWNER));
              confine(Process::mounter, {});
              return 0;
            }),
            childThrew);
}

TEST(Confine, DropsInheritedGroups) {
  if (!isRoot()) GTEST_SKIP() << "needs root";
  EXPECT_EQ(codeOfChild([] {
              gid_t groups[] = {4, 27};
              if (::setgroups(2, groups) != 0) return 2;
              confine(Process::cri, {.uid = someUser, .gid = someUser});
              return ::getgroups(0, nullptr);
            }),
            0);
}

TEST(Confine, WorksWhenAlreadyThatUser) {
  if (!isRoot()) GTEST_SKIP() << "covered by the other tests then";
  EXPECT_EQ(codeOfChild([] {
              if (::setgroups(0, nullptr) != 0 || ::setresgid(someUser, someUser, someUser) != 0 ||
                  ::setresuid(someUser, someUser, someUser) != 0) {
                return 2;
              }
              confine(Process::configReader, {.uid = someUser, .gid = someUser});
              return 0;
            }),
            0);
}

TEST(Confine, TakesTheCniRunnersCapabilitiesFromTheConfiguration) {
  if (!isRoot()) GTEST_SKIP() << "needs root";
  EXPECT_EQ(codeOfChild([] {
              constexpr CapabilitySet wanted = CapabilitySet{1} << CAP_NET_ADMIN;
              confine(Process::cniRunner, {.capabilities = wanted});
              return permittedCapabilities() == wanted && boundingCapabilities() == wanted ? 0 : 1;
            }),
            0);
}

TEST(Confine, KeepsOnlyTheDescriptorsItIsTold) {
  Pipe kept = makePipe();
  Pipe closed = makePipe();
  EXPECT_EQ(codeOfChild([&] {
              Confinement confinement = confinementOf(privilegesOf(Process::cri));
              confinement.keep = {kept.write.get()};
              confine(Process::cri, confinement);
              bool right =
                  ::fcntl(kept.write.get(), F_GETFD) >= 0 && ::fcntl(closed.write.get(), F_GETFD) < 0;
              return right ? 0 : 1;
            }),
            0);
}

}  // namespace
}  // namespace bulkhead::jail
