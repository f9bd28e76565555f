// Other Bulkhead stores, which are read and never written (docs/decisions/0026): found at start, and their
// indexes copied, since neither their owner nor their file system need let storaged's main read them.
#pragma once

#include <sys/types.h>

#include <set>
#include <string>
#include <vector>

#include "daemons/common/base/fd.h"

namespace bulkhead::storaged {

struct AdditionalStore {
  std::string path;              // as it is configured
  Fd directory;                  // for the helpers
  std::string index;             // the copy; whoever has read it removes it: removeIndexCopy()
  std::set<std::string> layers;  // what lies in layers/
};

// As root, before confinement; `store` is our own, prepared, and gets the copies, which belong to uid and
// gid. One that is absent, is not root's alone, cannot hold overlayfs's marks or has no index is logged and
// left out.
std::vector<AdditionalStore> openAdditional(const std::string& store, const std::vector<std::string>& paths,
                                            uid_t uid, gid_t gid);

void removeIndexCopy(const std::string& index);

}  // namespace bulkhead::storaged
