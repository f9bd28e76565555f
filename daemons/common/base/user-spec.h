// How an image and a request say whom a process runs as: "USER", "USER:GROUP", "" (OCI image-spec, config.md,
// "User"), each part a number or a name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "daemons/common/base/error.h"

namespace bulkhead {

// A uid or gid, 0 to 2^32-2 (2^32-1 means "no change" to the kernel), or a name for an image's /etc/passwd or
// /etc/group to resolve.
using AccountName = std::variant<std::uint32_t, std::string>;

// A string of digits is a number and never a name, however large: one that is out of range is refused, not
// looked up (CVE-2024-40635, CVE-2026-46680). Refuses what no account file could hold as a name, and what
// looks like a negative number.
Outcome<AccountName> parseAccountName(std::string_view text, std::string field);

struct UserSpec {
  AccountName user = 0U;
  std::optional<AccountName> group;

  // "" and an empty part before the colon: uid 0. An empty part behind it: no group is named.
  static Outcome<UserSpec> parse(std::string_view text, const std::string& field);
};

// The decimal digits of a uid or gid as a field of passwd(5) or group(5) has them; nothing for all else.
std::optional<std::uint32_t> parseAccountNumber(std::string_view text);

}  // namespace bulkhead
