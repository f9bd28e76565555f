#include "daemons/shim/cgroup/cgroups.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <sstream>
#include <thread>
#include <vector>

#include "daemons/common/base/error.h"
#include "daemons/common/base/io.h"

namespace bulkhead::cgroup {
namespace {

bool isFilesystem(const std::string& path, long magic) {
  struct statfs info {};
  return ::statfs(path.c_str(), &info) == 0 && info.f_type == magic;
}

// Where hierarchies are mounted. Links such as cpu -> cpu,cpuacct are the same hierarchy again.
std::vector<std::string> hierarchies() {
  if (isV2()) return {mountPoint};
  std::vector<std::string> found;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(mountPoint, ignored)) {
    std::string path = entry.path();
    if (entry.is_symlink(ignored)) continue;
    if (isFilesystem(path, CGROUP_SUPER_MAGIC) || isFilesystem(path, CGROUP2_SUPER_MAGIC))
      found.push_back(path);
  }
  return found;
}

// The parents may be removed while we are on our way (remove of a sibling's): start over then.
void makeIn(const std::string& hierarchy, const std::string& path) {
  constexpr int attempts = 10;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    bool lost = false;
    for (size_t slash = path.find('/', 1); !lost; slash = path.find('/', slash + 1)) {
      lost = ::mkdir((hierarchy + path.substr(0, slash)).c_str(), 0755) != 0 && errno == ENOENT;
      if (!lost && errno != EEXIST && ::access((hierarchy + path.substr(0, slash)).c_str(), F_OK) != 0) {
        throwErrno("make control group " + hierarchy + path);
      }
      if (slash == std::string::npos) break;
    }
    if (!lost) return;
  }
  throwErrno("make control group " + hierarchy + path);
}

bool writeTo(const std::string& file, std::string_view text) {
  Fd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  return fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

// In the group and beneath it.
void addProcesses(const std::string& group, std::vector<pid_t>& to) {
  constexpr size_t longest = 1024 * 1024;
  Fd file(::open((group + "/cgroup.procs").c_str(), O_RDONLY | O_CLOEXEC));
  std::istringstream pids(file ? readBounded(file.get(), longest).value_or("") : "");
  for (pid_t pid = 0; pids >> pid;) to.push_back(pid);
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(group, ignored)) {
    if (entry.is_directory(ignored) && !entry.is_symlink(ignored)) addProcesses(entry.path(), to);
  }
}

// Every group is in this hierarchy, and what is in it can be frozen.
std::string freezable(const std::string& path) {
  return mountPoint + (isV2() ? "" : "/freezer") + path;
}

}  // namespace

bool isV2() {
  return isFilesystem(mountPoint, CGROUP2_SUPER_MAGIC);
}

bool isHybridWithV2Controllers() {
  return !isV2() && !unifiedControllers().empty();
}

std::string unifiedControllers() {
  std::string names = readSmallFile(mountPoint + "/unified/cgroup.controllers");
  while (!names.empty() && names.back() == '\n') names.pop_back();
  return names;
}

bool hasSwapAccounting() {
  return isV2() || ::access((mountPoint + "/memory/memory.memsw.limit_in_bytes").c_str(), F_OK) == 0;
}

bool hasHugetlb() {
  if (!isV2()) return ::access((mountPoint + "/hugetlb/cgroup.procs").c_str(), F_OK) == 0;
  return readSmallFile(mountPoint + "/cgroup.controllers").find("hugetlb") != std::string::npos;
}

bool exists(const std::string& path) {
  for (const std::string& hierarchy : hierarchies()) {
    if (::access((hierarchy + path).c_str(), F_OK) == 0) return true;
  }
  return false;
}

void make(const std::string& path) {
  for (const std::string& hierarchy : hierarchies()) makeIn(hierarchy, path);
}

void remove(const std::string& path) {
  for (const std::string& hierarchy : hierarchies()) (void)::rmdir((hierarchy + path).c_str());
}

std::vector<pid_t> processesOf(const std::string& path) {
  std::vector<pid_t> processes;
  addProcesses(freezable(path), processes);
  return processes;
}

void killAll(const std::string& path) {
  constexpr int attempts = 20;
  constexpr std::chrono::milliseconds pause{5};
  if (isV2() && writeTo(mountPoint + path + "/cgroup.kill", "1")) return;
  const std::string group = freezable(path);
  // What is frozen neither forks nor ends, so that a number read is still the process's when it is signalled.
  const std::string state = group + (isV2() ? "/cgroup.freeze" : "/freezer.state");
  for (int attempt = 0; attempt < attempts && ::access(group.c_str(), F_OK) == 0; ++attempt) {
    (void)writeTo(state, isV2() ? "1" : "FROZEN");
    auto found = processesOf(path);
    for (pid_t pid : found) (void)::kill(pid, SIGKILL);
    (void)writeTo(state, isV2() ? "0" : "THAWED");
    if (found.empty()) return;
    std::this_thread::sleep_for(pause);
  }
}

Fd openOomCounter(const std::string& path) {
  std::string file =
      isV2() ? mountPoint + path + "/memory.events" : mountPoint + "/memory" + path + "/memory.oom_control";
  return Fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
}

}  // namespace bulkhead::cgroup
