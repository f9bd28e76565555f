#include "daemons/cri-frontend/calls/calls.h"

namespace bulkhead::cri {

Answer<v1::VersionResponse> version(Frontend&, const v1::VersionRequest&) {
  v1::VersionResponse response;
  response.set_version("0.1.0");  // of the kubelet's runtime API, as every runtime answers
  response.set_runtime_name("bulkhead");
  response.set_runtime_version(BULKHEAD_VERSION);
  response.set_runtime_api_version("v1");
  return Outcome<v1::VersionResponse>(std::move(response));
}

}  // namespace bulkhead::cri
