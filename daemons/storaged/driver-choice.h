// Which driver a store has: chosen when it is made, and from then on as it is written in it, since its layers
// lie as that driver wants them.
#pragma once

#include <functional>
#include <string>

#include "daemons/storaged/drivers/driver.h"

namespace bulkhead::storaged {

// Of the store's file system. Empty: works; else why not.
struct DriversFound {
  std::string overlay;
  std::string btrfs;
};

// `configured`: "auto" (the first of overlay, btrfs and vfs that works) or a driver's name. `probe` is asked
// only when nothing was written yet. As root, of a prepared store, before anybody uses it. Throws
// std::runtime_error, for the administrator, if the configured driver does not work or is not what the store
// has; SystemError.
Driver chooseDriver(const std::string& store, const std::string& configured,
                    const std::function<DriversFound()>& probe);

}  // namespace bulkhead::storaged
