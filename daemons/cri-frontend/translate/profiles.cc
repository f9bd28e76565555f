#include "daemons/cri-frontend/translate/profiles.h"

namespace bulkhead::cri {

namespace v1 = ::runtime::v1;

schema::Seccomp seccompOf(const v1::SecurityProfile* profile, const std::string& path,
                          const std::string& field, FirstRefusal& no) {
  if (profile != nullptr) {
    no.unsupported(profile->profile_type() == v1::SecurityProfile::Localhost, field + ".localhost_ref");
    bool unconfined = profile->profile_type() == v1::SecurityProfile::Unconfined;
    return unconfined ? schema::Seccomp::UNCONFINED : schema::Seccomp::RUNTIME_DEFAULT;
  }
  if (path == "unconfined") return schema::Seccomp::UNCONFINED;
  no.unsupported(!path.empty() && path != "runtime/default" && path != "docker/default",
                 field + "_profile_path");
  return schema::Seccomp::RUNTIME_DEFAULT;
}

void refuseAppArmor(const v1::SecurityProfile* profile, const std::string& name, const std::string& field,
                    FirstRefusal& no) {
  bool localhost = profile != nullptr && profile->profile_type() == v1::SecurityProfile::Localhost;
  no.unsupported(localhost, field + ".localhost_ref");
  no.unsupported(!name.empty() && name != "runtime/default" && name != "unconfined", field + "_profile");
}

void refuseSelinux(const v1::SELinuxOption* options, const std::string& field, FirstRefusal& no) {
  if (options == nullptr) return;
  bool used = !options->user().empty() || !options->role().empty() || !options->type().empty() ||
              !options->level().empty();
  no.unsupported(used, field);
}

}  // namespace bulkhead::cri
