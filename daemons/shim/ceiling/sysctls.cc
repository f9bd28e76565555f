#include "daemons/common/base/sysctl.h"

#include <set>

#include "daemons/shim/ceiling/ceiling.h"
#include "ipc/convert.h"
#include "ipc/limits.h"

namespace bulkhead::ceiling {
namespace {

using ipc::toString;
using schema::Namespace;

bool isListed(const std::string& name, capnp::List<capnp::Text>::Reader rules) {
  for (auto each : rules) {
    std::string rule = toString(each);
    bool family = rule.ends_with(".*");
    if (family ? name.starts_with(rule.substr(0, rule.size() - 1)) : name == rule) return true;
  }
  return false;
}

// The runtime sets them in the namespaces that the container enters, so these must be the pod's own
// (CVE-2022-0532).
bool isOfPod(SysctlScope scope, schema::PodSpec::Reader pod) {
  if (scope == SysctlScope::ipc) return pod.getIpc() != Namespace::NODE;
  return scope != SysctlScope::none &&
         pod.getNetwork() != Namespace::NODE;  // its uts is the node's then, too
}

}  // namespace

Outcome<void> checkSysctls(schema::PodSpec::Reader pod, schema::Ceiling::Reader ceiling) {
  if (pod.getSysctls().size() > limits::sysctls) return invalid("sysctls", "has too many entries");
  std::set<SysctlName> seen;
  for (auto sysctl : pod.getSysctls()) {
    auto name = SysctlName::parse(toString(sysctl.getKey()), "sysctls");
    if (!name) return tl::unexpected(name.error());
    const std::string field = "sysctls[" + name->text() + "]";
    // As it will be written: one spelling.
    if (toString(sysctl.getKey()) != name->text()) return invalid(field, "is not written with dots");
    if (!seen.insert(*name).second) return invalid(field, "is given twice");
    if (auto ok = checkSysctlValue(toString(sysctl.getValue()), field); !ok) return ok;
    if (!isOfPod(name->scope(), pod)) return invalid(field, "is not of a namespace of the pod's own");
    if (!name->isSafe() && !isListed(name->text(), ceiling.getSysctls()))
      return above(field, "this kernel parameter");
  }
  return {};
}

}  // namespace bulkhead::ceiling
