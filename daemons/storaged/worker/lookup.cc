#include "daemons/storaged/worker/lookup.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <optional>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/io.h"
#include "daemons/common/base/user-spec.h"
#include "daemons/storaged/worker/accounts.h"

namespace bulkhead::worker {
namespace {

constexpr std::size_t mostBytes = 1024 * 1024;

// Empty if there is none. Nothing is waited for: a FIFO opens at once, and is refused.
Outcome<std::string> readIn(int root, const char* path) {
  Fd file = tryOpenInRoot(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!file && (errno == ENOENT || errno == ENOTDIR)) return std::string();
  if (!file) return invalid(path, "cannot be opened in the image: " + errnoText(errno));
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) throwErrno("fstat");
  if (!S_ISREG(info.st_mode)) return invalid(path, "is not a regular file in the image");
  auto text =
      info.st_size > static_cast<off_t>(mostBytes) ? std::nullopt : readBounded(file.get(), mostBytes);
  if (!text) return refuse(Code::resourceExhausted, path, "is larger than 1 MiB in the image");
  return *std::move(text);
}

bool isRoot(const AccountName& who) {
  const auto* name = std::get_if<std::string>(&who);
  return name != nullptr && *name == "root";
}

Outcome<std::uint32_t> gidOf(const AccountName& who, const std::string& group) {
  if (const auto* number = std::get_if<std::uint32_t>(&who)) return *number;
  auto found = findGroup(group, std::get<std::string>(who));
  if (!found) return tl::unexpected(found.error());
  if (*found) return **found;
  if (isRoot(who)) return 0U;
  return invalid("user", "names a group that is not in the image's /etc/group");
}

}  // namespace

Outcome<FoundUser> lookUp(int root, const std::string& user, bool memberships) {
  auto spec = UserSpec::parse(user, "user");
  if (!spec) return tl::unexpected(spec.error());
  auto passwd = readIn(root, "/etc/passwd");
  if (!passwd) return tl::unexpected(passwd.error());
  auto account = findAccount(*passwd, spec->user);
  if (!account) return tl::unexpected(account.error());

  FoundUser found;
  const auto* number = std::get_if<std::uint32_t>(&spec->user);
  if (number != nullptr) found.uid = *number;
  if (*account) {
    found.uid = (*account)->uid;
    found.gid = (*account)->gid;
  } else if (number == nullptr && !isRoot(spec->user)) {
    return invalid("user", "is a name that is not in the image's /etc/passwd");
  }

  bool asksGroups = memberships || spec->group;
  auto group = asksGroups ? readIn(root, "/etc/group") : Outcome<std::string>(std::string());
  if (!group) return tl::unexpected(group.error());
  if (spec->group) {
    auto gid = gidOf(*spec->group, *group);
    if (!gid) return tl::unexpected(gid.error());
    found.gid = *gid;
  }
  if (memberships && *account) {
    auto groups = groupsOf(*group, (*account)->name);
    if (!groups) return tl::unexpected(groups.error());
    found.groups = std::move(*groups);
  }
  return found;
}

}  // namespace bulkhead::worker
