// The calls that answer a URL; what happens there is streaming/.
#pragma once

#include "daemons/cri-frontend/calls/calls.h"

namespace bulkhead::cri {

Answer<v1::ExecResponse> exec(Frontend& frontend, const v1::ExecRequest& request);

}  // namespace bulkhead::cri
