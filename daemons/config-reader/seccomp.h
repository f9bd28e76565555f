// A seccomp profile as Kubernetes' users write them: Docker's JSON, of which the OCI runtime-spec's
// (config-linux.md, "Seccomp") is a part.
#pragma once

#include <set>
#include <string>

#include "ipc/schema/seccomp.capnp.h"

namespace bulkhead::config {

// What a rule's `includes` and `excludes` are held against.
struct SeccompConditions {
  std::set<std::string> capabilities;  // the container's, "CAP_…"
  std::string architecture;            // as profiles spell it: "amd64", "arm64"
  unsigned kernelMajor = 0;
  unsigned kernelMinor = 0;

  // This machine's, with the capabilities given.
  static SeccompConditions here(std::set<std::string> capabilities);
};

// Throws ConfigError, whose text quotes nothing of the file but bounded words of the format itself. Refuses
// what would need an agent (SCMP_ACT_NOTIFY, SCMP_ACT_TRACE, listenerPath) and whatever is not of the format
// where the format says something; keys that it does not know are ignored, as the peers do.
void writeSeccomp(const std::string& text, const SeccompConditions& conditions,
                  schema::SeccompProfile::Builder profile);

}  // namespace bulkhead::config
