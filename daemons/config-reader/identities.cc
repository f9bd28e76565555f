#include "daemons/config-reader/identities.h"

#include <array>
#include <charconv>
#include <limits>
#include <set>

namespace bulkhead::config {
namespace {

constexpr std::array accountNames{"bulkhead-cri", "bulkhead-image", "bulkhead-storage", "bulkhead-net",
                                  "bulkhead-config"};
using Five = std::array<Account, accountNames.size()>;

constexpr std::int64_t firstOrdinary = 1000;  // below are the distribution's own accounts (adduser.conf)
// -1 means "unchanged" to setresuid(2), and 2^31 and up confuses tools.
constexpr std::int64_t largestId = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t shimOffset = 1000;

std::optional<Five> fromAccounts(const Accounts& accounts) {
  Five five{};
  for (size_t i = 0; i < five.size(); ++i) {
    std::optional<Account> account = accounts.user(accountNames[i]);
    if (!account) return std::nullopt;
    five[i] = *account;
  }
  return five;
}

Five fromBase(std::int64_t base) {
  Five five{};
  for (size_t i = 0; i < five.size(); ++i) {
    auto number = static_cast<std::uint32_t>(base) + static_cast<std::uint32_t>(i);
    five[i] = {number, number};
  }
  return five;
}

Five chooseFive(const Settings& settings, const Accounts& accounts) {
  const Setting& base = settings.at("identity.uid_base");
  if (!base.isSet()) {
    if (std::optional<Five> five = fromAccounts(accounts)) return *five;
  }
  return fromBase(base.number(firstOrdinary, largestId - static_cast<std::int64_t>(accountNames.size())));
}

void refuseShared(const Five& five, std::uint32_t shimBase, std::uint32_t shimCount, const Setting& blamed) {
  std::set<uid_t> uids{0};
  std::set<gid_t> gids{0};
  auto isShim = [=](std::uint32_t number) { return number >= shimBase && number - shimBase < shimCount; };
  for (const Account& account : five) {
    bool fresh = uids.insert(account.uid).second && gids.insert(account.gid).second;
    if (!fresh) blamed.refuse("leads to two identities with the same uid or gid");
    if (isShim(account.uid) || isShim(account.gid))
      blamed.refuse("makes the monitors' range cover an identity");
  }
}

std::uint32_t socketGroup(const Setting& setting, const Accounts& accounts) {
  const std::string& text = setting.text();
  std::uint32_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return number;
  if (text == "root") return 0;  // also where there is no /etc/group
  std::optional<gid_t> group = accounts.group(text);
  if (!group) setting.refuse("names a group that there is not: '" + text + "'");
  return *group;
}

}  // namespace

void writeIdentities(const Settings& settings, const Accounts& accounts, schema::Identities::Builder to) {
  Five five = chooseFive(settings, accounts);
  std::int64_t count = settings.at("identity.shim_count").number(1, 1 << 20);
  std::int64_t base = settings.at("identity.shim_base").number(0, largestId - count);
  // An account may have any uid; the monitors' own numbers then still start from the default base.
  if (base == 0)
    base = settings.at("identity.uid_base").number(firstOrdinary, largestId - count) + shimOffset;
  if (base < firstOrdinary) settings.at("identity.shim_base").refuse("must be 0 or at least 1000");
  auto shimBase = static_cast<std::uint32_t>(base);
  auto shimCount = static_cast<std::uint32_t>(count);
  refuseShared(five, shimBase, shimCount, settings.at("identity.shim_base"));

  to.setCriUid(five[0].uid);
  to.setCriGid(five[0].gid);
  to.setImageUid(five[1].uid);
  to.setImageGid(five[1].gid);
  to.setStorageUid(five[2].uid);
  to.setStorageGid(five[2].gid);
  to.setNetUid(five[3].uid);
  to.setNetGid(five[3].gid);
  to.setReaderUid(five[4].uid);
  to.setReaderGid(five[4].gid);
  to.setShimBase(shimBase);
  to.setShimCount(shimCount);
  to.setSocketGid(socketGroup(settings.at("identity.socket_group"), accounts));
}

}  // namespace bulkhead::config
