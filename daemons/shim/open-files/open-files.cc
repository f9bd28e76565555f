#include "daemons/shim/open-files/open-files.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <memory>
#include <string_view>

#include "daemons/shim/cgroup/cgroups.h"

namespace bulkhead::files {
namespace {

struct CloseDirectory {
  void operator()(DIR* stream) const { (void)::closedir(stream); }
};

bool isSocket(DIR* directory, const char* name) {
  char target[8] = {};
  ssize_t size = ::readlinkat(::dirfd(directory), name, target, sizeof target - 1);
  return size > 0 && std::string_view(target) == "socket:";
}

void countOf(pid_t pid, OpenFiles& into, std::size_t& left) {
  std::string path = "/proc/" + std::to_string(pid) + "/fd";
  std::unique_ptr<DIR, CloseDirectory> directory(::opendir(path.c_str()));
  if (!directory) return;
  while (const dirent* entry = left > 0 ? ::readdir(directory.get()) : nullptr) {
    if (entry->d_name[0] == '.') continue;
    --left;
    ++into.descriptors;
    if (isSocket(directory.get(), entry->d_name)) ++into.sockets;
  }
}

}  // namespace

OpenFiles countOpenFiles(const std::string& cgroup, std::size_t& left) {
  OpenFiles files;
  for (pid_t pid : cgroup::processesOf(cgroup)) countOf(pid, files, left);
  return files;
}

std::uint64_t openFilesLimit(pid_t pid) {
  rlimit limit{};
  bool known = pid > 0 && ::prlimit(pid, RLIMIT_NOFILE, nullptr, &limit) == 0;
  return known ? limit.rlim_cur : 0;
}

}  // namespace bulkhead::files
