#include "daemons/common/base/priority.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace bulkhead {
namespace {

// sched_setattr(2), as of its first version; glibc has none.
struct SchedulingAttributes {
  std::uint32_t size = sizeof(SchedulingAttributes);
  std::uint32_t policy = SCHED_OTHER;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0;  // of SCHED_OTHER: a turn, in nanoseconds (Linux 6.12); ignored before
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;
};

constexpr std::uint64_t resetOnFork = 1;  // SCHED_FLAG_RESET_ON_FORK

}  // namespace

void answerBeforeOthers(LaterThreads later) {
  constexpr int ahead = -5;                        // about three times the weight of others
  constexpr std::uint64_t shortestTurn = 100'000;  // that Linux grants
  (void)::setpriority(PRIO_PROCESS, 0, ahead);
  SchedulingAttributes attributes;
  attributes.nice = ::getpriority(PRIO_PROCESS, 0);
  attributes.runtime = shortestTurn;
  attributes.flags = later == LaterThreads::ordinary ? resetOnFork : 0;
  (void)::syscall(SYS_sched_setattr, 0, &attributes, 0);
}

void workBehindOthers() {
  constexpr int behind = 5;
  (void)::setpriority(PRIO_PROCESS, 0, behind);
  struct sched_param none {};
  (void)::sched_setscheduler(0, SCHED_BATCH, &none);
}

void shareByItself() {
  (void)::setsid();
}

}  // namespace bulkhead
