// What a registry's silence, status or nonsense is called towards the user. The one place that words them: no
// URL, no text of the registry's or of a library, since both can carry credentials. The kubelet knows an
// unreachable registry by the words "RegistryUnavailable" at the front (kubernetes, pkg/kubelet/images:
// ErrRegistryUnavailable).
#pragma once

#include <string>

#include "daemons/common/base/error.h"
#include "daemons/imaged/fetcher/http-client.h"
#include "daemons/imaged/fetcher/registry-access.h"

namespace bulkhead::fetcher {

// `who`: "registry example.com:5000". No response at all.
Refusal noAnswerFrom(const std::string& who, Transport transport);
// 429 and 5xx: unavailable; any other unexpected status: failedPrecondition.
Refusal brokenAnswerFrom(const std::string& who, long status);
// A status that is not 2xx, for the repository: 401 and 403 permissionDenied, 404 notFound, else as above.
Refusal refusedBy(const RegistryAccess& registry, long status, const std::string& what = {});

}  // namespace bulkhead::fetcher
