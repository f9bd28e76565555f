#include "cli/supervisor/daemon-process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "daemons/common/base/error.h"
#include "daemons/common/base/io.h"
#include "daemons/common/base/log.h"
#include "daemons/common/base/process.h"

namespace bulkhead::supervisor {
namespace {

constexpr int firstInherited = 3;  // SD_LISTEN_FDS_START

void placeListeners(const DaemonStart& start) {
  // Through high numbers first: a descriptor may sit where another has to go.
  constexpr int high = 512;
  int count = static_cast<int>(start.listeners.size());
  for (int i = 0; i < count; ++i) {
    if (::dup2(start.listeners[static_cast<size_t>(i)].second, high + i) < 0) throwErrno("dup2");
  }
  std::vector<int> keep;
  for (int i = 0; i < count; ++i) {
    keep.push_back(firstInherited + i);
    if (::dup2(high + i, keep.back()) < 0) throwErrno("dup2");
  }
  closeAllBut(keep);
}

// Where the image daemon finds registries; nobody else has a use for it, and it may hold a password.
void addProxies(const DaemonStart& start, std::vector<std::string>& variables) {
  if (!start.program.ends_with("/bulkhead-imaged")) return;
  for (const char* name :
       {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"}) {
    const char* value = std::getenv(name);
    if (value != nullptr) variables.push_back(std::string(name) + "=" + value);
  }
}

std::vector<std::string> environmentOf(const DaemonStart& start) {
  std::string names;
  for (const auto& listener : start.listeners) names += (names.empty() ? "" : ":") + listener.first;
  std::vector<std::string> variables{"LISTEN_PID=" + std::to_string(::getpid()),
                                     "LISTEN_FDS=" + std::to_string(start.listeners.size()),
                                     "LISTEN_FDNAMES=" + names, "NOTIFY_SOCKET=" + start.notifyPath};
  addProxies(start, variables);
  return variables;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> all;
  for (std::string& word : words) all.push_back(word.data());
  all.push_back(nullptr);
  return all;
}

void become(const DaemonStart& start, pid_t parent) {
  if (::setsid() < 0) throwErrno("setsid");
  // Set before the parent is checked: it may have died in between.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != parent) ::_exit(127);
  resetSignals();
  if (start.cgroupProcesses >= 0 && !writeAll(start.cgroupProcesses, "0")) throwErrno("enter control group");
  Fd null(::open("/dev/null", O_RDONLY));
  if (!null || ::dup2(null.get(), 0) < 0) throwErrno("/dev/null");
  placeListeners(start);
  std::vector<std::string> words{start.program};
  words.insert(words.end(), start.arguments.begin(), start.arguments.end());
  std::vector<std::string> variables = environmentOf(start);
  ::execve(start.program.c_str(), pointers(words).data(), pointers(variables).data());
  throwErrno("execute " + start.program);
}

}  // namespace

DaemonProcess startDaemonProcess(const DaemonStart& start) {
  pid_t parent = ::getpid();
  pid_t child = ::fork();
  if (child < 0) throwErrno("fork");
  if (child == 0) {
    try {
      become(start, parent);
    } catch (const std::exception& error) {
      log::error("daemon not started", {{"error", error.what()}});
    }
    ::_exit(127);
  }
  Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  if (!pidfd) throwErrno("pidfd_open");
  return {child, std::move(pidfd)};
}

}  // namespace bulkhead::supervisor
