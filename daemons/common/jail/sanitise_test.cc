#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdlib>
#include <string>

#include "daemons/common/base/fd.h"
#include "daemons/common/base/process.h"
#include "daemons/common/jail/build.h"
#include "daemons/common/jail/confine.h"
#include "daemons/common/jail/in-child.h"

namespace bulkhead::jail {
namespace {

bool isOpen(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}

TEST(Sanitise, ClosesWhatWasNotPromised) {
  EXPECT_EQ(codeOfChild([] {
              if (::dup2(0, 50) < 0) return 2;
              sanitise();
              return isOpen(50) || !isOpen(0) || !isOpen(1) || !isOpen(2) ? 1 : 0;
            }),
            0);
}

TEST(Sanitise, KeepsWhatAParentPassed) {
  EXPECT_EQ(codeOfChild([] {
              if (::dup2(0, 3) < 0 || ::dup2(0, 4) < 0 || ::dup2(0, 5) < 0) return 2;
              sanitise(2);
              bool right = isOpen(3) && isOpen(4) && !isOpen(5) && ::fcntl(3, F_GETFD) == FD_CLOEXEC;
              return right ? 0 : 1;
            }),
            0);
}

TEST(Sanitise, FailsIfAPromisedDescriptorIsNotThere) {
  EXPECT_EQ(codeOfChild([] {
              closeAllBut({});
              sanitise(1);
              return 0;
            }),
            childThrew);
}

TEST(Sanitise, KeepsListenersMeantForThisProcessOnly) {
  EXPECT_EQ(codeOfChild([] {
              if (::dup2(0, 3) < 0) return 2;
              ::setenv("LISTEN_FDS", "1", 1);
              ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
              sanitise();
              return isOpen(3) && ::getenv("LISTEN_FDS") != nullptr ? 0 : 1;
            }),
            0);
  EXPECT_EQ(codeOfChild([] {
              if (::dup2(0, 3) < 0) return 2;
              ::setenv("LISTEN_FDS", "1", 1);
              ::setenv("LISTEN_PID", "1", 1);
              sanitise();
              return isOpen(3) ? 1 : 0;
            }),
            0);
}

TEST(Sanitise, OpensMissingStandardDescriptors) {
  EXPECT_EQ(codeOfChild([] {
              ::close(0);
              ::close(1);
              sanitise();
              return isOpen(0) && isOpen(1) ? 0 : 1;
            }),
            0);
}

TEST(Sanitise, CleansEnvironmentSignalsAndMask) {
  EXPECT_EQ(codeOfChild([] {
              ::setenv("LD_PRELOAD", "x", 1);
              ::setenv("NOTIFY_SOCKET", "/x", 1);
              (void)std::signal(SIGPIPE, SIG_IGN);
              sigset_t all;
              ::sigfillset(&all);
              (void)::sigprocmask(SIG_SETMASK, &all, nullptr);
              sanitise();
              sigset_t blocked;
              (void)::sigprocmask(SIG_SETMASK, nullptr, &blocked);
              bool right = ::getenv("LD_PRELOAD") == nullptr && ::getenv("NOTIFY_SOCKET") != nullptr &&
                           std::signal(SIGPIPE, SIG_DFL) == SIG_DFL && ::sigisemptyset(&blocked) == 1 &&
                           ::umask(0) == 077 && (sanitizedBuild || ::prctl(PR_GET_DUMPABLE) == 0);
              return right ? 0 : 1;
            }),
            0);
}

// Invariant 11: what a stranger's program finds.
TEST(RestoreForStrangers, LeavesLimitsAsTheyWere) {
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(codeOfChild([&] {
              sanitise();
              ::setpriority(PRIO_PROCESS, 0, 5);
              restoreForStrangers();
              struct rlimit after {};
              (void)::getrlimit(RLIMIT_NOFILE, &after);
              bool right =
                  before.rlim_cur == after.rlim_cur && before.rlim_max == after.rlim_max && ::umask(0) == 022;
              return right && (::geteuid() != 0 || ::getpriority(PRIO_PROCESS, 0) == 0) ? 0 : 1;
            }),
            0);
}

}  // namespace
}  // namespace bulkhead::jail
