// What a container executes: the request's command, arguments, environment and directory over the image's.
#pragma once

#include <string>
#include <vector>

#include "daemons/common/base/error.h"
#include "daemons/cri-frontend/peers/storaged-client.h"
#include "runtime/v1/api.pb.h"

namespace bulkhead::cri {

// Kubernetes' rule ("Define a Command and Arguments for a Container"): a command replaces the image's entry
// point and its command, arguments replace its command only. Refuses an empty result and what execve(2)
// cannot take.
Outcome<std::vector<std::string>> processArgs(const ::runtime::v1::ContainerConfig& config,
                                              const StoredImage& image);

// "NAME=value" of: a default PATH, TERM with a terminal, HOSTNAME, the image's, the request's; a later one of
// the same name wins. A HOME with control bytes or ':' is refused: it could become a line of /etc/passwd
// (CVE-2022-4318).
Outcome<std::vector<std::string>> processEnv(const ::runtime::v1::ContainerConfig& config,
                                             const StoredImage& image, const std::string& hostname);

// The request's, else the image's, else "/". Nothing in /proc.
Outcome<std::string> processDirectory(const ::runtime::v1::ContainerConfig& config, const StoredImage& image);

}  // namespace bulkhead::cri
