// Security profiles: seccomp, AppArmor, SELinux, in their present and their deprecated fields.
#pragma once

#include <string>

#include "daemons/cri-frontend/translate/first-refusal.h"
#include "ipc/schema/launch.capnp.h"
#include "runtime/v1/api.pb.h"

namespace bulkhead::cri {

struct SeccompChoice {
  schema::Seccomp kind = schema::Seccomp::RUNTIME_DEFAULT;
  std::string profile;  // of Localhost: absolute
};

// `profile` null: absent; then `path`, the older field, counts ("localhost/" before a path); with neither
// nothing is said, which the launcher takes as its ceiling lets it.
SeccompChoice seccompOf(const ::runtime::v1::SecurityProfile* profile, const std::string& path,
                        const std::string& field, FirstRefusal& no);

// Refuses AppArmor profiles other than the default and none, in either field.
void refuseAppArmor(const ::runtime::v1::SecurityProfile* profile, const std::string& name,
                    const std::string& field, FirstRefusal& no);

void refuseSelinux(const ::runtime::v1::SELinuxOption* options, const std::string& field, FirstRefusal& no);

}  // namespace bulkhead::cri
