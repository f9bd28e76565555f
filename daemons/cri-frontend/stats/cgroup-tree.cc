#include "daemons/cri-frontend/stats/cgroup-tree.h"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <vector>

#include "daemons/common/base/error.h"
#include "daemons/common/base/io.h"
#include "daemons/cri-frontend/clock.h"
#include "daemons/cri-frontend/stats/cgroup-files.h"
#include "daemons/cri-frontend/stats/cgroup-text.h"

namespace bulkhead::cri {
namespace {

int64_t steadyNanoseconds() {
  auto since = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(since).count();
}

}  // namespace

CgroupTree::CgroupTree(std::string root)
    : root_(std::move(root)), v2_(::access((root_ + "/cgroup.controllers").c_str(), F_OK) == 0) {}

std::optional<CgroupReading> CgroupTree::read(const std::string& group) const {
  if (!group.starts_with('/')) return std::nullopt;
  CgroupReading reading = v2_ ? readV2(root_, group) : readV1(root_, group);
  reading.timestamp = nowNanoseconds();
  reading.steady = steadyNanoseconds();
  if (reading.isEmpty()) return std::nullopt;
  return reading;
}

bool CgroupFiles::exist() const {
  return ::access(directory_.c_str(), F_OK) == 0;
}

// A group that goes while it is read gives ENODEV, pressure that is switched off EOPNOTSUPP.
std::string CgroupFiles::text(const std::string& name) const {
  try {
    return readSmallFile(directory_ + "/" + name);
  } catch (const SystemError&) {
    return "";
  }
}

std::optional<uint64_t> CgroupFiles::count(const std::string& name) const {
  return parseCount(text(name));
}

uint64_t CgroupFiles::processes() const {
  constexpr size_t mostGroups = 1024;  // a container may make its own
  std::vector<std::string> groups{""};
  uint64_t found = 0;
  std::error_code ignored;
  for (size_t i = 0; i < groups.size(); ++i) {
    found += countLines(text(groups[i] + "cgroup.procs"));
    std::filesystem::directory_iterator entry(directory_ + "/" + groups[i], ignored);
    for (; entry != std::filesystem::directory_iterator(); entry.increment(ignored)) {
      if (groups.size() < mostGroups && entry->is_directory(ignored))
        groups.push_back(groups[i] + entry->path().filename().string() + "/");
    }
  }
  return found;
}

// As cAdvisor: what the kernel could not take back easily.
void setWorkingSet(MemoryReading& memory) {
  memory.workingSet = memory.usage > memory.inactiveFile ? memory.usage - memory.inactiveFile : 0;
}

}  // namespace bulkhead::cri
