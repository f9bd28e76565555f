// Seccomp profiles that containers name.
#pragma once

#include "daemons/common/config/seccomp-profile.h"
#include "daemons/shim/launcher/context.h"

namespace bulkhead::launcher {

// Finds where `path` leads, by the symlinks that the kubelet's tools lay, which must be beneath a seccomp
// root of the ceiling; then opens that place once, without symlinks, and judges what it opens: a regular file
// that root alone can write, in directories where root alone can put it. A confined child reads it. The
// profile is sound and beneath the ceiling. Refusals name "seccompProfile".
Outcome<LoadedSeccomp> openSeccomp(const Context& context, const std::string& path,
                                   const std::vector<std::string>& capabilities);

}  // namespace bulkhead::launcher
