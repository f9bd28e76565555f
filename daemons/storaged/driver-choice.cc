#include "daemons/storaged/driver-choice.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <stdexcept>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/error.h"
#include "daemons/common/base/io.h"
#include "daemons/common/base/log.h"

namespace bulkhead::storaged {
namespace {

constexpr const char* recordName = "driver";
constexpr const char* unfinished = "driver.new";
constexpr size_t recordLimit = 64;

std::optional<Driver> recorded(const Fd& store) {
  Fd record = tryOpenBeneath(store.get(), recordName, O_RDONLY | O_NONBLOCK);
  if (!record && errno == ENOENT) return std::nullopt;
  if (!record) throwErrno("open the store's driver record");
  auto text = readBounded(record.get(), recordLimit);
  auto driver = text && text->ends_with('\n') ? driverNamed(text->substr(0, text->size() - 1)) : std::nullopt;
  if (!driver) throw std::runtime_error("the store's file 'driver' does not name a driver");
  return driver;
}

// The directory is storaged's main's, so nothing that lies there is written into.
void record(const Fd& store, Driver driver) {
  (void)::unlinkat(store.get(), unfinished, 0);
  Fd file = openBeneath(store.get(), unfinished, O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (!writeAll(file.get(), std::string(nameOf(driver)) + "\n") || ::fsync(file.get()) != 0 ||
      ::renameat(store.get(), unfinished, store.get(), recordName) != 0 || ::fsync(store.get()) != 0) {
    throwErrno("record the store's driver");
  }
}

Driver choose(const std::string& configured, const DriversFound& found) {
  auto works = [&](Driver driver) {
    return driver == Driver::vfs || (driver == Driver::overlay ? found.overlay : found.btrfs).empty();
  };
  if (configured == "auto") {
    if (works(Driver::overlay)) return Driver::overlay;
    Driver second = works(Driver::btrfs) ? Driver::btrfs : Driver::vfs;
    log::warning("the store's file system has no overlay",
                 {{"reason", found.overlay}, {"driver", std::string(nameOf(second))}});
    return second;
  }
  auto driver = driverNamed(configured);
  if (!driver) throw std::runtime_error("storage.driver is not a driver: " + configured);
  if (works(*driver)) return *driver;
  throw std::runtime_error("storage.driver '" + configured + "' does not work on the store's file system: " +
                           (*driver == Driver::overlay ? found.overlay : found.btrfs));
}

}  // namespace

Driver chooseDriver(const std::string& store, const std::string& configured,
                    const std::function<DriversFound()>& probe) {
  Fd directory = openDirectory(store);
  if (auto there = recorded(directory)) {
    if (configured == "auto" || configured == nameOf(*there)) return *there;
    throw std::runtime_error("storage.driver is '" + configured + "', but " + store + " was made by '" +
                             std::string(nameOf(*there)) + "': empty it, or leave the driver as it is");
  }
  Driver driver = choose(configured, probe());
  record(directory, driver);
  return driver;
}

}  // namespace bulkhead::storaged
