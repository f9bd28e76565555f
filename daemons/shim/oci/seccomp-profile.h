// A seccomp profile of the administrator's, as the OCI runtime takes it.
#pragma once

#include "daemons/common/base/error.h"
#include "daemons/shim/oci/json-writer.h"
#include "ipc/schema/seccomp.capnp.h"

namespace bulkhead::oci {

// Are all its words of the alphabet that the format has? The reader is a child that saw somebody's JSON.
Outcome<void> checkSeccomp(schema::SeccompProfile::Reader profile, const std::string& field);

// Writes the value of "linux.seccomp" (OCI runtime-spec, config-linux.md, "Seccomp"). `profile` has been
// checked.
void writeSeccomp(JsonWriter& json, schema::SeccompProfile::Reader profile);

}  // namespace bulkhead::oci
