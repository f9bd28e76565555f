#include "daemons/cri-frontend/translate/user.h"

#include <algorithm>

#include "daemons/cri-frontend/translate/fields.h"

namespace bulkhead::cri {
namespace {

namespace v1 = ::runtime::v1;

constexpr int maxGroups = 1024;
constexpr const char* field = "config.linux.security_context";

// The request's own word; empty: the image's counts.
Outcome<std::string> askedUser(const v1::LinuxContainerSecurityContext& context) {
  const std::string& name = context.run_as_username();
  const std::string prefix = std::string(field) + ".";
  if (context.has_run_as_user() && !name.empty())
    return invalid(prefix + "run_as_username", "cannot be set together with run_as_user");
  if (context.has_run_as_group() && !context.has_run_as_user() && name.empty())
    return invalid(prefix + "run_as_group", "cannot be set without a user");
  if (!name.empty()) {
    return parseAccountName(name, prefix + "run_as_username").map([&name](const AccountName&) {
      return name;
    });
  }
  if (!context.has_run_as_user()) return std::string();
  auto uid = checkUserNumber(context.run_as_user().value(), prefix + "run_as_user");
  return uid.map([](uint32_t number) { return std::to_string(number); });
}

Outcome<std::vector<uint32_t>> supplementalGroups(const v1::LinuxContainerSecurityContext& context) {
  const std::string list = std::string(field) + ".supplemental_groups";
  if (context.supplemental_groups_size() > maxGroups) return invalid(list, "has more than 1024 entries");
  std::vector<uint32_t> groups;
  for (int i = 0; i < context.supplemental_groups_size(); ++i) {
    auto group = checkUserNumber(context.supplemental_groups(i), indexed(list, i));
    if (!group) return tl::unexpected(group.error());
    groups.push_back(*group);
  }
  return groups;
}

}  // namespace

Outcome<UserPlan> planUser(const v1::LinuxContainerSecurityContext& context, const std::string& imageUser) {
  auto asked = askedUser(context);
  if (!asked) return tl::unexpected(asked.error());
  UserPlan plan;
  bool own = !asked->empty();
  plan.asked = own ? *asked : imageUser;
  plan.field = own ? std::string(field) + ".run_as_username" : "image.config.user";
  auto spec = UserSpec::parse(plan.asked, plan.field);
  if (!spec) return tl::unexpected(spec.error());
  plan.spec = std::move(*spec);
  if (context.has_run_as_group()) {
    auto gid = checkUserNumber(context.run_as_group().value(), std::string(field) + ".run_as_group");
    if (!gid) return tl::unexpected(gid.error());
    plan.gid = *gid;
  }
  auto groups = supplementalGroups(context);
  if (!groups) return tl::unexpected(groups.error());
  plan.groups = std::move(*groups);
  auto policy = context.supplemental_groups_policy();
  if (policy != v1::SupplementalGroupsPolicy::Merge && policy != v1::SupplementalGroupsPolicy::Strict)
    return invalid(std::string(field) + ".supplemental_groups_policy", "is unknown");
  plan.memberships = policy == v1::SupplementalGroupsPolicy::Merge;
  return plan;
}

std::optional<ImageUser> knownUser(const UserPlan& plan) {
  const auto* uid = std::get_if<uint32_t>(&plan.spec.user);
  const auto* named = plan.spec.group ? std::get_if<uint32_t>(&*plan.spec.group) : nullptr;
  if (uid == nullptr || plan.memberships || (!plan.gid && named == nullptr)) return std::nullopt;
  return ImageUser{*uid, plan.gid ? *plan.gid : *named, {}};
}

User combine(const UserPlan& plan, const ImageUser& found) {
  User user{found.uid, plan.gid.value_or(found.gid), {}};
  auto add = [&user](uint32_t group) {
    if (std::find(user.groups.begin(), user.groups.end(), group) == user.groups.end())
      user.groups.push_back(group);
  };
  // The primary group is a supplementary one too: a set-gid program must not be able to shed it
  // (CVE-2022-2995).
  add(user.gid);
  for (uint32_t group : plan.groups) add(group);
  if (!plan.memberships) return user;
  for (uint32_t group : found.groups) add(group);
  return user;
}

}  // namespace bulkhead::cri
