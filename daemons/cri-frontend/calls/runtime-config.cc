#include "daemons/cri-frontend/calls/calls.h"

namespace bulkhead::cri {

Answer<v1::RuntimeConfigResponse> runtimeConfig(Frontend&, const v1::RuntimeConfigRequest&) {
  v1::RuntimeConfigResponse response;
  response.mutable_linux()->set_cgroup_driver(v1::CGROUPFS);
  return Outcome<v1::RuntimeConfigResponse>(std::move(response));
}

}  // namespace bulkhead::cri
