// The five capability sets of this process, as bits; libcap(3) underneath.
#pragma once

#include "daemons/common/jail/privileges.h"

namespace bulkhead::jail {

// What this process holds at most: its permitted set.
CapabilitySet permittedCapabilities();
// What this process or a child could regain by exec.
CapabilitySet boundingCapabilities();

// Takes everything but `kept` out of the bounding set. Needs CAP_SETPCAP. Throws SystemError.
void limitBounding(CapabilitySet kept);

// Locks securebits so that neither uid 0 nor an ambient set gives capabilities back at exec. Needs
// CAP_SETPCAP.
void lockSecurebits();

// Effective and permitted become `kept`, inheritable and ambient empty. Throws SystemError.
void setCapabilities(CapabilitySet kept);

// Throws std::runtime_error unless effective = permitted = `kept` and inheritable = ambient = nothing.
void verifyCapabilities(CapabilitySet kept);

}  // namespace bulkhead::jail
