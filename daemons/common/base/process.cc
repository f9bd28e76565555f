#include "daemons/common/base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <stdexcept>

#include "daemons/common/base/error.h"
#include "daemons/common/base/io.h"
#include "daemons/common/base/priority.h"

namespace bulkhead {

void resetSignals() {
  struct sigaction fallback {};
  fallback.sa_handler = SIG_DFL;
  for (int number = 1; number < _NSIG; ++number) (void)::sigaction(number, &fallback, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void closeAllBut(std::vector<int> keep) {
  keep.insert(keep.end(), {0, 1, 2});
  std::sort(keep.begin(), keep.end());
  unsigned next = 0;
  for (int fd : keep) {
    if (fd < 0 || static_cast<unsigned>(fd) < next) continue;
    if (static_cast<unsigned>(fd) > next) (void)::close_range(next, static_cast<unsigned>(fd) - 1, 0);
    next = static_cast<unsigned>(fd) + 1;
  }
  if (::close_range(next, ~0U, 0) != 0) throwErrno("close_range");
}

pid_t spawnProgram(const std::string& program, const std::vector<std::string>& arguments,
                   const std::vector<int>& fds) {
  std::vector<std::string> words{program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  char* const environment[] = {nullptr};

  pid_t parent = ::getpid();
  pid_t child = ::fork();
  if (child < 0) throwErrno("fork");
  if (child > 0) return child;
  try {
    // PDEATHSIG is set before the parent is checked: it may have died in between.
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != parent) ::_exit(127);
    shareByItself();
    resetSignals();
    int null = ::open("/dev/null", O_RDONLY);
    if (null < 0 || ::dup2(null, 0) < 0) ::_exit(127);
    // Through high numbers first: a descriptor may sit where another has to go.
    constexpr int high = 512;
    for (size_t i = 0; i < fds.size(); ++i) {
      if (::dup2(fds[i], high + static_cast<int>(i)) < 0) ::_exit(127);
    }
    std::vector<int> keep;
    for (size_t i = 0; i < fds.size(); ++i) {
      keep.push_back(3 + static_cast<int>(i));
      if (::dup2(high + static_cast<int>(i), keep.back()) < 0) ::_exit(127);
    }
    closeAllBut(keep);
    ::execve(program.c_str(), argv.data(), environment);
  } catch (const std::exception&) {
    // Nothing to say and nobody to say it to: the parent sees the exit status.
  }
  ::_exit(127);
}

ExitStatus exitStatusOf(int waitStatus) {
  if (WIFSIGNALED(waitStatus)) return {128 + WTERMSIG(waitStatus), true};
  return {WEXITSTATUS(waitStatus), false};
}

std::optional<ExitStatus> waitFor(pid_t pid, std::optional<std::chrono::milliseconds> limit) {
  if (limit) {
    Fd handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!handle) throwErrno("pidfd_open");
    auto deadline = std::chrono::steady_clock::now() + *limit;
    while (true) {
      auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      struct pollfd ready {
        handle.get(), POLLIN, 0
      };
      int n = ::poll(&ready, 1, static_cast<int>(std::max<long long>(left.count(), 0)));
      if (n > 0) break;
      if (n == 0) return std::nullopt;
      if (errno != EINTR) throwErrno("poll");
    }
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) throwErrno("waitpid");
  }
  return exitStatusOf(status);
}

unsigned long long processStartTime(pid_t pid) {
  std::string stat = readSmallFile("/proc/" + std::to_string(pid) + "/stat");
  // The command, in parentheses, may hold anything; fields count from the last ')'.
  size_t at = stat.rfind(')');
  if (at == std::string::npos) return 0;
  for (int field = 2; field < 22; ++field) {
    at = stat.find(' ', at + 1);
    if (at == std::string::npos) return 0;
  }
  return std::strtoull(stat.c_str() + at + 1, nullptr, 10);
}

Fd openProcess(pid_t pid, unsigned long long started) {
  using namespace std::chrono_literals;
  if (pid <= 0) return {};
  Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process && errno != ESRCH) throwErrno("pidfd_open");
  if (!process) return {};
  auto seen = processStartTime(pid);
  // Not knowing is not the same as being gone: whoever is gone may have its container killed.
  if (seen == 0 && !hasEnded(process.get(), 0ms))
    throw std::runtime_error("cannot read a process's start time");
  return seen == started ? std::move(process) : Fd();
}

bool hasEnded(int pidfd, std::chrono::milliseconds limit) {
  struct pollfd ended {
    pidfd, POLLIN, 0
  };
  int n = 0;
  while ((n = ::poll(&ended, 1, static_cast<int>(limit.count()))) < 0 && errno == EINTR) {
  }
  return n > 0;
}

}  // namespace bulkhead
