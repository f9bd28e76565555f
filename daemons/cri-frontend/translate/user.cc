#include "daemons/cri-frontend/translate/user.h"

#include <algorithm>
#include <charconv>

#include "daemons/cri-frontend/translate/fields.h"

namespace bulkhead::cri {
namespace {

constexpr int maxGroups = 1024;

Outcome<uint32_t> parseOne(std::string_view text, const std::string& field) {
  if (text == "root") return 0U;
  bool number =
      !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!number) {
    return invalid(
        field, "is not a number: names, which the image's /etc/passwd would resolve, are not supported yet");
  }
  int64_t value = -1;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return checkUserNumber(error == std::errc() && end == text.data() + text.size() ? value : -1, field);
}

}  // namespace

Outcome<User> parseImageUser(const std::string& text, const std::string& field) {
  if (text.empty()) return User{};
  size_t colon = text.find(':');
  auto uid = parseOne(std::string_view(text).substr(0, colon), field);
  if (!uid) return tl::unexpected(uid.error());
  User user{*uid, 0, {}};
  if (colon == text.npos) return user;
  auto gid = parseOne(std::string_view(text).substr(colon + 1), field);
  if (!gid) return tl::unexpected(gid.error());
  user.gid = *gid;
  return user;
}

Outcome<User> userOf(const ::runtime::v1::LinuxContainerSecurityContext& context,
                     const std::string& imageUser) {
  const std::string field = "config.linux.security_context";
  const std::string& name = context.run_as_username();
  if (context.has_run_as_user() && !name.empty()) {
    return invalid(field + ".run_as_username", "cannot be set together with run_as_user");
  }
  if (context.has_run_as_group() && !context.has_run_as_user() && name.empty()) {
    return invalid(field + ".run_as_group", "cannot be set without a user");
  }
  Outcome<User> user = parseImageUser(imageUser, "image.config.user");
  if (!name.empty())
    user = parseOne(name, field + ".run_as_username").map([](uint32_t uid) { return User{uid, 0, {}}; });
  if (context.has_run_as_user()) {
    auto uid = checkUserNumber(context.run_as_user().value(), field + ".run_as_user");
    user = uid.map([](uint32_t number) { return User{number, 0, {}}; });
  }
  if (!user) return user;
  if (context.has_run_as_group()) {
    auto gid = checkUserNumber(context.run_as_group().value(), field + ".run_as_group");
    if (!gid) return tl::unexpected(gid.error());
    user->gid = *gid;
  }

  // The primary group is a supplementary one too: a set-gid program must not be able to shed it
  // (CVE-2022-2995).
  user->groups.push_back(user->gid);
  if (context.supplemental_groups_size() > maxGroups) {
    return invalid(field + ".supplemental_groups", "has more than 1024 entries");
  }
  for (int i = 0; i < context.supplemental_groups_size(); ++i) {
    auto group = checkUserNumber(context.supplemental_groups(i), indexed(field + ".supplemental_groups", i));
    if (!group) return tl::unexpected(group.error());
    if (std::find(user->groups.begin(), user->groups.end(), *group) == user->groups.end())
      user->groups.push_back(*group);
  }
  return user;
}

}  // namespace bulkhead::cri
