#include "daemons/shim/ceiling/ceiling.h"
#include "daemons/shim/ceiling/host-path.h"
#include "ipc/convert.h"

namespace bulkhead::ceiling {

Outcome<void> checkSeccomp(schema::ContainerSpec::Reader spec, schema::Ceiling::Reader ceiling) {
  auto ignore = [](const std::string&) {};
  switch (spec.getSeccomp()) {
    case schema::Seccomp::RUNTIME_DEFAULT:
    case schema::Seccomp::UNSPECIFIED:
      return {};
    case schema::Seccomp::UNCONFINED:
      if (!ceiling.getSeccompUnconfined()) return above("seccomp", "running without a system-call filter");
      return {};
    case schema::Seccomp::LOCALHOST:
      return parseHostPath(ipc::toString(spec.getSeccompProfile()), "seccompProfile").map(ignore);
  }
  return invalid("seccomp", "is unknown");
}

// What a profile forbids by name says nothing of the calls that its author had not heard of: to allow by
// default is to be unconfined but for a list. What it allows by name is root's own word.
Outcome<void> judgeSeccomp(schema::SeccompProfile::Reader profile, schema::Ceiling::Reader ceiling,
                           const std::string& field) {
  using Action = schema::SeccompProfile::Action;
  Action action = profile.getDefault().getAction();
  bool open = action == Action::ALLOW || action == Action::LOG;
  if (open && !ceiling.getSeccompUnconfined())
    return above(field, "a seccomp profile that allows what it does not name");
  return {};
}

}  // namespace bulkhead::ceiling
