#include "daemons/cri-frontend/translate/capabilities.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "daemons/common/jail/privileges.h"
#include "daemons/cri-frontend/translate/fields.h"

namespace bulkhead::cri {
namespace {

// All that the kernel headers name, by number.
std::vector<std::string> allNames() {
  constexpr int most = 64;
  std::vector<std::string> names;
  for (int number = 0; number < most; ++number) {
    if (auto name = jail::capabilityName(number); !name.empty()) names.emplace_back(name);
  }
  return names;
}

// As CRI-O's default; no AUDIT_WRITE, MKNOD, NET_RAW, SETFCAP, SYS_CHROOT.
constexpr std::array<std::string_view, 9> defaults{"CAP_CHOWN",   "CAP_DAC_OVERRIDE",     "CAP_FSETID",
                                                   "CAP_FOWNER",  "CAP_SETGID",           "CAP_SETUID",
                                                   "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_KILL"};

std::string canonical(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c; });
  return text == "ALL" || text.starts_with("CAP_") ? text : "CAP_" + text;
}

// The names in `list`; "ALL" stays a word of its own.
Outcome<std::set<std::string>> parse(const google::protobuf::RepeatedPtrField<std::string>& list,
                                     const std::string& field) {
  const auto names = allNames();
  std::set<std::string> parsed;
  for (int i = 0; i < list.size(); ++i) {
    std::string name = canonical(list[i]);
    bool known = name == "ALL" || std::find(names.begin(), names.end(), name) != names.end();
    if (!known) return invalid(indexed(field, i), "is not a capability");
    parsed.insert(std::move(name));
  }
  return parsed;
}

}  // namespace

Outcome<Capabilities> capabilitiesOf(const ::runtime::v1::Capability& asked, bool privileged,
                                     const std::string& field) {
  auto ambient = parse(asked.add_ambient_capabilities(), field + ".add_ambient_capabilities");
  if (!ambient) return tl::unexpected(ambient.error());
  auto added = parse(asked.add_capabilities(), field + ".add_capabilities");
  if (!added) return tl::unexpected(added.error());
  auto dropped = parse(asked.drop_capabilities(), field + ".drop_capabilities");
  if (!dropped) return tl::unexpected(dropped.error());
  const auto names = allNames();
  if (ambient->erase("ALL") > 0) ambient->insert(names.begin(), names.end());
  if (privileged) return Capabilities{names, {ambient->begin(), ambient->end()}};

  std::set<std::string> result;
  if (added->contains("ALL")) {
    result.insert(names.begin(), names.end());
  } else if (!dropped->contains("ALL")) {
    result.insert(defaults.begin(), defaults.end());
  }
  added->erase("ALL");
  dropped->erase("ALL");
  result.insert(added->begin(), added->end());
  result.insert(ambient->begin(), ambient->end());
  for (const auto& name : *dropped) {
    result.erase(name);
    ambient->erase(name);
  }
  return Capabilities{{result.begin(), result.end()}, {ambient->begin(), ambient->end()}};
}

}  // namespace bulkhead::cri
