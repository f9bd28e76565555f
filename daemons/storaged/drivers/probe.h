// Which drivers a file system has, found by trying them.
#pragma once

#include <string>

namespace bulkhead::drivers {

// Empty: it works; else what did not.
struct Found {
  std::string overlay;
  std::string btrfs;
};

// In an empty directory of root's that is thrown away afterwards. `stage` as for an overlay (overlay.h). What
// overlay is asked for is what layers need of it: opaque marks and whiteouts that hide, and being written to.
Found probeDrivers(int directory, const char* stage);

}  // namespace bulkhead::drivers
