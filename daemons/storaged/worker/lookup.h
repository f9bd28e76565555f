// Whom a USER means inside an image.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "daemons/common/base/error.h"

namespace bulkhead::worker {

struct FoundUser {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<std::uint32_t> groups;  // of /etc/group
};

// Reads etc/passwd and etc/group as a process whose root is `root` would find them: links stay inside it.
// Each must be a regular file of at most 1 MiB, or absent. A number without an entry is itself, with group 0;
// so is "root" (an image of nothing has no files); any other name needs one. `memberships`: also the groups
// that list the user's name, whether or not the user came with a group. Refusals name the file, or "user".
Outcome<FoundUser> lookUp(int root, const std::string& user, bool memberships);

}  // namespace bulkhead::worker
