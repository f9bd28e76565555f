// The files of the configuration: opened with the daemon's rights, read by somebody else.
#pragma once

#include <string>
#include <vector>

#include "daemons/common/base/fd.h"

namespace bulkhead {

struct ConfigFile {
  std::string name;  // as errors show it: "bulkhead.toml", "bulkhead.toml.d/10-site.toml"
  Fd fd;
};

// `path` and then PATH.d/*.toml in byte order; what is absent is left out. Throws std::runtime_error naming
// the file if one, or the drop-in directory, could be written by anyone but its owner, or is owned by anyone
// but root and the caller: whoever can write it decides what Bulkhead grants.
std::vector<ConfigFile> openConfigFiles(const std::string& path);

}  // namespace bulkhead
