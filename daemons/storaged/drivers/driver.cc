#include "daemons/storaged/drivers/driver.h"

namespace bulkhead {

std::string_view nameOf(Driver driver) {
  switch (driver) {
    case Driver::overlay:
      return "overlay";
    case Driver::btrfs:
      return "btrfs";
    case Driver::vfs:
      break;
  }
  return "vfs";
}

std::optional<Driver> driverNamed(std::string_view name) {
  for (Driver driver : {Driver::overlay, Driver::btrfs, Driver::vfs}) {
    if (nameOf(driver) == name) return driver;
  }
  return std::nullopt;
}

}  // namespace bulkhead
