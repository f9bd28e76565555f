// Which signal asks a container to stop.
#pragma once

#include <cstdint>
#include <string>

#include "daemons/common/base/error.h"
#include "runtime/v1/api.pb.h"

namespace bulkhead::cri {

// The kernel's number: the request's if it names one, else the image's ("SIGQUIT", "QUIT", "3"; OCI
// image-spec, config.md, "StopSignal"), else SIGTERM. An image's word that is no signal is not the pod's
// fault: SIGTERM.
Outcome<uint8_t> stopSignalOf(::runtime::v1::Signal asked, const std::string& imageSignal);

// CRI's name for a kernel number; SIGNAL_RUNTIME_DEFAULT if it has none.
::runtime::v1::Signal toCriSignal(uint32_t number);

}  // namespace bulkhead::cri
