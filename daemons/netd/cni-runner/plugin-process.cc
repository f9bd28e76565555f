#include "daemons/netd/cni-runner/plugin-process.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "daemons/common/base/error.h"
#include "daemons/common/base/process.h"
#include "daemons/common/jail/confine.h"

namespace bulkhead::cni {
namespace {

// In the child. By path, not by descriptor: a plugin may be a script, whose interpreter is given its name,
// and only root can change what is in the directory that was checked.
[[noreturn]] void execute(const std::string& path, std::vector<std::string>& environment,
                          const StandardFds& fds, PluginGroup& group, pid_t handler) {
  try {
    // PDEATHSIG is set before the parent is checked: it may have died in between.
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != handler) ::_exit(127);
    std::vector<char*> variables;
    for (std::string& variable : environment) variables.push_back(variable.data());
    variables.push_back(nullptr);
    std::string name = path;
    char* const arguments[] = {name.data(), nullptr};
    bool ready = group.enter() && ::chdir("/") == 0 && ::dup2(fds.in.get(), 0) == 0 &&
                 ::dup2(fds.out.get(), 1) == 1 && ::dup2(fds.err.get(), 2) == 2;
    if (!ready) ::_exit(127);
    closeAllBut({});
    jail::restoreForStrangers();
    ::execve(path.c_str(), arguments, variables.data());
  } catch (const std::exception&) {
    // Nobody to tell: the status below is reported with the plugin's name.
  }
  ::_exit(127);
}

}  // namespace

PluginProcess::PluginProcess(const std::string& path, std::vector<std::string> environment,
                             const StandardFds& fds, PluginGroup& group)
    : group_(group) {
  pid_t handler = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) throwErrno("fork");
  if (pid_ == 0) execute(path, environment, fds, group, handler);
  handle_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (!handle_) throwErrno("pidfd_open");
}

bool PluginProcess::wait(Deadline deadline, int caller) const {
  while (true) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    // A negative descriptor is ignored by poll(2); a hang-up is reported without being asked for.
    struct pollfd watched[] = {{handle_.get(), POLLIN, 0}, {caller, 0, 0}};
    int n = ::poll(watched, 2, static_cast<int>(std::max<long long>(left.count(), 0)));
    if (n >= 0) return watched[0].revents != 0;
    if (errno != EINTR) throwErrno("poll");
  }
}

int PluginProcess::reap() const {
  return waitFor(pid_, std::nullopt)->code;
}

// Itself first: it may not have entered its group yet, and then never does.
void PluginProcess::kill() const {
  (void)::kill(pid_, SIGKILL);
  group_.kill();
}

bool hasHungUp(int caller) {
  struct pollfd watched {
    caller, 0, 0
  };
  return ::poll(&watched, 1, 0) > 0;
}

}  // namespace bulkhead::cni
