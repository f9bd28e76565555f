// One control group's files in one hierarchy, and what each version of cgroups makes of them.
#pragma once

#include <string>

#include "daemons/cri-frontend/stats/cgroup-reading.h"

namespace bulkhead::cri {

class CgroupFiles {
 public:
  explicit CgroupFiles(std::string directory) : directory_(std::move(directory)) {}

  [[nodiscard]] bool exist() const;
  // A file's text; empty if there is no such file, or the group has gone, or the kernel does not keep it
  // here.
  [[nodiscard]] std::string text(const std::string& name) const;
  [[nodiscard]] std::optional<uint64_t> count(const std::string& name) const;
  // In this group and those beneath it.
  [[nodiscard]] uint64_t processes() const;

 private:
  std::string directory_;
};

// `root`: where the hierarchies are mounted.
CgroupReading readV1(const std::string& root, const std::string& group);
CgroupReading readV2(const std::string& root, const std::string& group);

// What both share. Sizes of huge pages that any architecture has, as the files spell them.
inline constexpr const char* hugepageSizes[] = {"64KB",  "1MB", "2MB", "16MB", "32MB",
                                                "512MB", "1GB", "2GB", "16GB"};
void setWorkingSet(MemoryReading& memory);

}  // namespace bulkhead::cri
