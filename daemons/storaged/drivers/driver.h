// The drivers: how layers, which every driver keeps as overlayfs wants them, become a container's root.
#pragma once

#include <optional>
#include <string_view>

namespace bulkhead {

enum class Driver {
  overlay,  // a mount of the layers with a writable directory on top
  btrfs,    // a snapshot of a subvolume that the layers were composed into, once an image
  vfs,      // a directory that the layers are composed into, for every container
};

std::string_view nameOf(Driver driver);
std::optional<Driver> driverNamed(std::string_view name);

// Whether a container's root is a directory that a compose worker made, rather than a mount of the layers.
constexpr bool composes(Driver driver) {
  return driver != Driver::overlay;
}

}  // namespace bulkhead
