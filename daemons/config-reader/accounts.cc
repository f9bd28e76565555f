#include "daemons/config-reader/accounts.h"

#include <grp.h>
#include <pwd.h>

namespace bulkhead::config {

Accounts::Accounts(const std::string& passwd, const std::string& group)
    : passwd_(std::fopen(passwd.c_str(), "re")), group_(std::fopen(group.c_str(), "re")) {}

std::optional<Account> Accounts::user(const std::string& name) const {
  if (!passwd_) return std::nullopt;
  std::rewind(passwd_.get());
  while (const struct passwd* entry = ::fgetpwent(passwd_.get())) {
    if (name == entry->pw_name) return Account{entry->pw_uid, entry->pw_gid};
  }
  return std::nullopt;
}

std::optional<gid_t> Accounts::group(const std::string& name) const {
  if (!group_) return std::nullopt;
  std::rewind(group_.get());
  while (const struct group* entry = ::fgetgrent(group_.get())) {
    if (name == entry->gr_name) return entry->gr_gid;
  }
  return std::nullopt;
}

}  // namespace bulkhead::config
