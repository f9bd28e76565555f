// CgroupTree: the mounted hierarchies, read-only.
#pragma once

#include <optional>
#include <string>

#include "daemons/cri-frontend/stats/cgroup-reading.h"

namespace bulkhead::cri {

class CgroupTree {
 public:
  // `root` is where they are mounted: "/sys/fs/cgroup". Which version, its files tell.
  explicit CgroupTree(std::string root = "/sys/fs/cgroup");

  // Of the group "/kubepods/…". Nothing if there is none, or no longer.
  [[nodiscard]] std::optional<CgroupReading> read(const std::string& group) const;

 private:
  std::string root_;
  bool v2_;
};

}  // namespace bulkhead::cri
