#include "daemons/common/base/priority.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

namespace bulkhead {
namespace {

int priority() {
  return ::getpriority(PRIO_PROCESS, 0);
}

// `check` in a child, which may spoil its priority; whether it held.
template <typename Check>
bool holdsInChild(Check check) {
  pid_t pid = ::fork();
  if (pid == 0) ::_exit(check() ? 0 : 1);
  int status = -1;
  return ::waitpid(pid, &status, 0) == pid && status == 0;
}

bool mayGoAhead() {
  return holdsInChild([] { return ::setpriority(PRIO_PROCESS, 0, -5) == 0; });
}

int priorityOfAThread() {
  int found = 0;
  std::thread([&found] { found = priority(); }).join();
  return found;
}

TEST(Priority, WhoAnswersGoesAheadAndMaySpareItsThreads) {
  if (!mayGoAhead()) GTEST_SKIP() << "needs CAP_SYS_NICE";
  EXPECT_TRUE(holdsInChild([] {
    answerBeforeOthers(LaterThreads::alike);
    return priority() == -5 && priorityOfAThread() == -5;
  }));
  EXPECT_TRUE(holdsInChild([] {
    answerBeforeOthers(LaterThreads::ordinary);
    return priority() == -5 && priorityOfAThread() == 0;
  }));
}

TEST(Priority, WhoWorksStandsBehindWithItsChildren) {
  EXPECT_TRUE(holdsInChild([] {
    workBehindOthers();
    auto behind = [] { return priority() == 5 && ::sched_getscheduler(0) == SCHED_BATCH; };
    return behind() && holdsInChild(behind);
  }));
}

TEST(Priority, ASessionOfItsOwn) {
  EXPECT_TRUE(holdsInChild([] {
    shareByItself();
    return ::getsid(0) == ::getpid();
  }));
}

}  // namespace
}  // namespace bulkhead
