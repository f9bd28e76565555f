// passwd(5) and group(5) as an image brings them: pure functions on a file's bytes. A line with too few
// fields is skipped, as the C library does; a number that counts for the answer and is out of range is
// refused, never clipped (containerd 2c3c9e9d9: "app:x:4294967296:…" became root).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/common/base/error.h"
#include "daemons/common/base/user-spec.h"

namespace bulkhead::worker {

struct Account {
  std::string name;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

// The first line of that name or uid; nothing if there is none.
Outcome<std::optional<Account>> findAccount(std::string_view passwd, const AccountName& who);

// The gid of the first group of that name; nothing if there is none.
Outcome<std::optional<std::uint32_t>> findGroup(std::string_view group, const std::string& name);

// The gids of the groups that list `member`, each once, in the file's order; at most 1,024.
Outcome<std::vector<std::uint32_t>> groupsOf(std::string_view group, const std::string& member);

}  // namespace bulkhead::worker
