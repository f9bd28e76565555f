// Project quotas: what a directory tree holds, counted by the file system, where it has them (ext4 and xfs,
// mounted with prjquota). ioctl_xfs_fsgetxattr(2), quotactl(2).
#pragma once

#include <cstdint>
#include <optional>

namespace bulkhead::drivers {

// Makes an empty directory, and whatever comes to be inside it, part of project `id`. False with errno where
// the file system has no projects. `id` is not 0.
bool joinProject(int directory, std::uint32_t id);

struct ProjectUsage {
  std::uint64_t bytes = 0;
  std::uint64_t inodes = 0;
};

// What the project of this directory holds, itself included. Nothing with errno if it is in none, or if
// nobody counts. Needs CAP_SYS_ADMIN.
std::optional<ProjectUsage> projectUsage(int directory);

}  // namespace bulkhead::drivers
