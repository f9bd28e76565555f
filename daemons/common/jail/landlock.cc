#include "daemons/common/jail/landlock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "daemons/common/base/error.h"
#include "daemons/common/base/fd.h"
#include "daemons/common/base/log.h"

// The kernel's interface is spelled out here because Debian 12's headers end at ABI 3.
namespace bulkhead::jail {
namespace {

struct RulesetAttributes {
  std::uint64_t files;
  std::uint64_t network;  // ABI 4
  std::uint64_t scoped;   // ABI 6
};

struct [[gnu::packed]] BeneathRule {
  std::uint64_t allowed;
  std::int32_t parent;
};

constexpr unsigned versionFlag = 1;  // LANDLOCK_CREATE_RULESET_VERSION
constexpr int beneathRule = 1;       // LANDLOCK_RULE_PATH_BENEATH

constexpr std::uint64_t execute = 1 << 0, writeFile = 1 << 1, readFile = 1 << 2, readDirectory = 1 << 3,
                        deviceControl = 1 << 15;
constexpr std::uint64_t firstRights = (1 << 13) - 1;          // ABI 1
constexpr std::uint64_t refer = 1 << 13, truncate = 1 << 14;  // ABI 2, 3; deviceControl: 5
constexpr std::uint64_t fileRights = execute | writeFile | readFile | truncate | deviceControl;
constexpr std::uint64_t allTcp = 3;               // bind, connect
constexpr std::uint64_t scopeAbstractSocket = 1;  // LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
constexpr std::uint64_t scopeSignal = 2;          // LANDLOCK_SCOPE_SIGNAL
constexpr long firstUsable = 2;                   // ABI 1 forbids every rename between directories

std::uint64_t rightsOf(Access::Right right) {
  constexpr std::uint64_t read = readFile | readDirectory;
  switch (right) {
    case Access::Right::read:
      return read;
    case Access::Right::execute:
      return read | execute;
    case Access::Right::readWrite:
      break;
  }
  // Making devices is among them: CAP_MKNOD decides about that.
  return (firstRights & ~execute) | refer | truncate;
}

RulesetAttributes attributesFor(long abi, Network network) {
  RulesetAttributes attributes{firstRights, 0, 0};
  if (abi >= 2) attributes.files |= refer;
  if (abi >= 3) attributes.files |= truncate;
  if (abi >= 5) attributes.files |= deviceControl;
  bool withoutInet =
      network == Network::none || network == Network::unixOnly || network == Network::accepting;
  if (abi >= 4 && withoutInet) attributes.network = allTcp;
  if (abi >= 6) attributes.scoped = scopeAbstractSocket | scopeSignal;
  return attributes;
}

void allow(int ruleset, const Access& access, std::uint64_t handled) {
  Fd target(::open(access.path.c_str(), O_PATH | O_CLOEXEC));
  if (!target && (errno == ENOENT || errno == ENOTDIR)) {
    log::debug("nothing to allow at a path", {{"path", access.path}});
    return;
  }
  if (!target) throwErrno("open " + access.path);
  struct stat info {};
  if (::fstat(target.get(), &info) != 0) throwErrno("fstat " + access.path);
  std::uint64_t rights = rightsOf(access.right) & handled;
  if (!S_ISDIR(info.st_mode)) rights &= fileRights;
  BeneathRule rule{rights, target.get()};
  if (::syscall(SYS_landlock_add_rule, ruleset, beneathRule, &rule, 0) != 0)
    throwErrno("landlock " + access.path);
}

}  // namespace

bool restrictPaths(const std::vector<Access>& paths, Network network) {
  long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, versionFlag);
  if (abi < firstUsable) return false;
  RulesetAttributes attributes = attributesFor(abi, network);
  // Members that an old kernel does not know are zero, which it accepts.
  Fd ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0)));
  if (!ruleset) throwErrno("landlock_create_ruleset");
  for (const Access& access : paths) allow(ruleset.get(), access, attributes.files);
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) throwErrno("landlock_restrict_self");
  return true;
}

}  // namespace bulkhead::jail
