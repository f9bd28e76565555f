// Who a container runs as.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "daemons/common/base/error.h"
#include "runtime/v1/api.pb.h"

namespace bulkhead::cri {

struct User {
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::vector<uint32_t> groups;  // holds gid too
};

// An image config's USER: "", "root", "UID" or "UID:GID" (OCI image-spec, config.md, "User"). A string of
// digits is never a name, however large (CVE-2026-46680); other names would need the image's /etc/passwd and
// are refused as not supported yet. Without a group: 0.
Outcome<User> parseImageUser(const std::string& text, const std::string& field);

// The user that the request asks for, else the image's.
Outcome<User> userOf(const ::runtime::v1::LinuxContainerSecurityContext& context,
                     const std::string& imageUser);

}  // namespace bulkhead::cri
