#include "daemons/cri-frontend/translate/profiles.h"

#include <string_view>

#include "daemons/cri-frontend/translate/fields.h"

namespace bulkhead::cri {

namespace v1 = ::runtime::v1;

namespace {

constexpr std::string_view localhostPrefix = "localhost/";

SeccompChoice localhost(const std::string& path, const std::string& field, FirstRefusal& no) {
  no.note(checkAbsolutePath(path, field));
  return {schema::Seccomp::LOCALHOST, path};
}

}  // namespace

SeccompChoice seccompOf(const v1::SecurityProfile* profile, const std::string& path, const std::string& field,
                        FirstRefusal& no) {
  if (profile != nullptr) {
    if (profile->profile_type() == v1::SecurityProfile::Localhost)
      return localhost(profile->localhost_ref(), field + ".localhost_ref", no);
    bool unconfined = profile->profile_type() == v1::SecurityProfile::Unconfined;
    return {unconfined ? schema::Seccomp::UNCONFINED : schema::Seccomp::RUNTIME_DEFAULT, {}};
  }
  if (path.empty()) return {schema::Seccomp::UNSPECIFIED, {}};
  if (path == "unconfined") return {schema::Seccomp::UNCONFINED, {}};
  if (path.starts_with(localhostPrefix))
    return localhost(path.substr(localhostPrefix.size()), field + "_profile_path", no);
  no.unless(path == "runtime/default" || path == "docker/default", field + "_profile_path", "is no profile");
  return {};
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
