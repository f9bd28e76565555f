// The seccomp profile "runtime default": an allow-list of our own, as data. It applies to containers, not to
// us.
#pragma once

#include <string>
#include <vector>

#include "daemons/shim/oci/json-writer.h"

namespace bulkhead::oci {

// Writes the value of "linux.seccomp" (OCI runtime-spec, config-linux.md, "Seccomp"). Calls that need a
// capability are allowed only when `capabilities` ("CAP_…") has it. Without CAP_SYS_ADMIN: no new namespaces
// (clone3 answers ENOSYS, so that libc falls back to clone, whose flags a filter can see). Socket families
// AF_ALG and AF_VSOCK, socketcall(2) and the kernel's keyring are closed to everybody.
void writeDefaultSeccomp(JsonWriter& json, const std::vector<std::string>& capabilities);

}  // namespace bulkhead::oci
