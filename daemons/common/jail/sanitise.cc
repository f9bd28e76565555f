// What a process does before anything else, and what it undoes before it becomes somebody else's program.
#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/common/base/error.h"
#include "daemons/common/base/fd.h"
#include "daemons/common/base/io.h"
#include "daemons/common/base/process.h"
#include "daemons/common/jail/build.h"
#include "daemons/common/jail/confine.h"

namespace bulkhead::jail {
namespace {

constexpr int firstInherited = 3;
constexpr int mostInherited = 64;

// Sockets promised by sd_listen_fds(3), if the promise is for this process.
int listenCount() {
  const char* pid = ::getenv("LISTEN_PID");
  const char* count = ::getenv("LISTEN_FDS");
  if (pid == nullptr || count == nullptr || std::to_string(::getpid()) != pid) return 0;
  long number = std::strtol(count, nullptr, 10);
  if (number < 0 || number > mostInherited) throw std::runtime_error("LISTEN_FDS is out of range");
  return static_cast<int>(number);
}

// A descriptor that is opened later must never become 0, 1 or 2, where somebody might print to it.
void openMissingStandard() {
  for (int fd = 0; fd <= 2; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    if (::open("/dev/null", O_RDWR) != fd) throwErrno("open /dev/null");
  }
}

void keepOnly(int inherited) {
  int listening = listenCount();
  int total = inherited > 0 ? inherited : listening;
  std::vector<int> kept;
  for (int fd = firstInherited; fd < firstInherited + total; ++fd) {
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
      throw std::runtime_error("descriptor " + std::to_string(fd) + " was promised but not passed");
    }
    kept.push_back(fd);
  }
  closeAllBut(kept);
}

bool belongsToSupervisor(std::string_view variable) {
  return variable.starts_with("LISTEN_") || variable.starts_with("NOTIFY_SOCKET=") ||
         variable.starts_with("WATCHDOG_");
}

void cleanEnvironment() {
  std::vector<std::string> kept;
  for (char** entry = ::environ; entry != nullptr && *entry != nullptr; ++entry) {
    if (belongsToSupervisor(*entry)) kept.emplace_back(*entry);
  }
  if (::clearenv() != 0) throw std::runtime_error("cannot clear the environment");
  for (const std::string& entry : kept) {
    size_t equals = entry.find('=');
    if (equals == std::string::npos) continue;
    if (::setenv(entry.substr(0, equals).c_str(), entry.c_str() + equals + 1, 1) != 0) throwErrno("setenv");
  }
}

}  // namespace

void sanitise(int inherited) {
  resetSignals();
  openMissingStandard();
  keepOnly(inherited);
  cleanEnvironment();
  ::umask(077);
  // No core dump and no ptrace by the same uid. RLIMIT_CORE is left for confine(): lowering a hard limit
  // cannot be undone, and what passesOn processes execute must find the limits as they were.
  if (!sanitizedBuild && ::prctl(PR_SET_DUMPABLE, 0) != 0) throwErrno("PR_SET_DUMPABLE");
}

void restoreForStrangers() {
  resetSignals();
  ::umask(022);
  (void)::prctl(PR_SET_TIMERSLACK, 0);  // 0: back to the default
  (void)::setpriority(PRIO_PROCESS, 0, 0);
  struct sched_param parameters {};
  (void)::sched_setscheduler(0, SCHED_OTHER, &parameters);
  Fd score(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  if (score) (void)writeAll(score.get(), "0");
}

}  // namespace bulkhead::jail
