#include "daemons/storaged/worker/accounts.h"

#include <algorithm>

namespace bulkhead::worker {
namespace {

constexpr std::size_t mostGroups = 1024;
constexpr std::size_t passwdFields = 4;  // name, password, uid, gid; the rest is not looked at
constexpr std::size_t groupFields = 4;   // name, password, gid, members

// Takes what is before the first `separator`, and that, off the front.
std::string_view cut(std::string_view& text, char separator) {
  std::size_t end = text.find(separator);
  std::string_view head = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return head;
}

// The first fields of a line; fewer if it has fewer.
std::vector<std::string_view> fieldsOf(std::string_view line, std::size_t most) {
  std::vector<std::string_view> fields;
  while (fields.size() < most && !line.empty()) fields.push_back(cut(line, ':'));
  return fields;
}

Outcome<std::uint32_t> numberIn(std::string_view text, const char* file) {
  auto number = parseAccountNumber(text);
  if (!number) return invalid(file, "has an id that is not within 0 to 4294967294");
  return *number;
}

bool lists(std::string_view members, const std::string& member) {
  while (!members.empty()) {
    if (cut(members, ',') == member) return true;
  }
  return false;
}

}  // namespace

Outcome<std::optional<Account>> findAccount(std::string_view passwd, const AccountName& who) {
  const auto* name = std::get_if<std::string>(&who);
  while (!passwd.empty()) {
    auto fields = fieldsOf(cut(passwd, '\n'), passwdFields);
    if (fields.size() < passwdFields) continue;
    bool found = name != nullptr ? fields[0] == *name : parseAccountNumber(fields[2]) == std::get<0>(who);
    if (!found) continue;
    auto uid = numberIn(fields[2], "/etc/passwd");
    if (!uid) return tl::unexpected(uid.error());
    auto gid = numberIn(fields[3], "/etc/passwd");
    if (!gid) return tl::unexpected(gid.error());
    return Account{std::string(fields[0]), *uid, *gid};
  }
  return std::nullopt;
}

Outcome<std::optional<std::uint32_t>> findGroup(std::string_view group, const std::string& name) {
  while (!group.empty()) {
    auto fields = fieldsOf(cut(group, '\n'), groupFields);
    if (fields.size() < groupFields - 1 || fields[0] != name) continue;
    return numberIn(fields[2], "/etc/group");
  }
  return std::nullopt;
}

Outcome<std::vector<std::uint32_t>> groupsOf(std::string_view group, const std::string& member) {
  std::vector<std::uint32_t> gids;
  while (!group.empty()) {
    auto fields = fieldsOf(cut(group, '\n'), groupFields);
    if (fields.size() < groupFields || !lists(fields[3], member)) continue;
    auto gid = numberIn(fields[2], "/etc/group");
    if (!gid) return tl::unexpected(gid.error());
    if (std::find(gids.begin(), gids.end(), *gid) != gids.end()) continue;
    if (gids.size() == mostGroups)
      return refuse(Code::resourceExhausted, "/etc/group", "puts the user into more than 1024 groups");
    gids.push_back(*gid);
  }
  return gids;
}

}  // namespace bulkhead::worker
