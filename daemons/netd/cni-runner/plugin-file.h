// Finding a CNI plugin that is safe to run as root: in a configured directory that only root can change.
#pragma once

#include <string>
#include <vector>

#include "daemons/common/base/error.h"

namespace bulkhead::cni {

// The absolute path of plugin `name`, from the first of `directories` that has it. The file must be regular
// and executable, file and directory owned by root and writable by nobody else (permissionDenied); no symlink
// is followed below the directory. `name` must be a plain name (invalidArgument): a path in a configuration
// would run any program (CVE-2021-20206). notFound if no directory has it.
Outcome<std::string> findPlugin(const std::vector<std::string>& directories, const std::string& name);

}  // namespace bulkhead::cni
