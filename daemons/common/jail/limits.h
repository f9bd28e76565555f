// Resource limits of the privilege table (setrlimit(2)).
#pragma once

#include "daemons/common/jail/privileges.h"

namespace bulkhead::jail {

// Sets soft and hard limits as stated; a hard limit that is already lower stays (raising needs
// CAP_SYS_RESOURCE). Zero leaves a limit as it is. Core dumps are off unless `passesOn`, whose limits are all
// left alone: what it executes inherits them. Throws SystemError.
void setLimits(const Limits& limits, bool passesOn);

// Throws std::runtime_error unless every limit is at most what is stated.
void verifyLimits(const Limits& limits, bool passesOn);

}  // namespace bulkhead::jail
