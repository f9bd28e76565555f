// Who a container runs as: the request's user over the image's (CRI, LinuxContainerSecurityContext).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemons/common/base/error.h"
#include "daemons/common/base/user-spec.h"
#include "daemons/cri-frontend/peers/storaged-client.h"
#include "runtime/v1/api.pb.h"

namespace bulkhead::cri {

struct User {
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::vector<uint32_t> groups;  // holds gid too
};

struct UserPlan {
  std::string asked;             // as storaged's lookupUser takes it
  std::string field;             // whose word that is
  UserSpec spec;                 // `asked`, parsed
  std::optional<uint32_t> gid;   // run_as_group
  std::vector<uint32_t> groups;  // supplemental_groups
  bool memberships = true;       // policy Merge: the image's /etc/group counts too
};

// Refuses with the field's name; image.config.user is the image's.
Outcome<UserPlan> planUser(const ::runtime::v1::LinuxContainerSecurityContext& context,
                           const std::string& imageUser);

// What is known without looking into the image; nothing if its files have a say.
std::optional<ImageUser> knownUser(const UserPlan& plan);

// `found` is what the image says of plan.asked.
User combine(const UserPlan& plan, const ImageUser& found);

}  // namespace bulkhead::cri
