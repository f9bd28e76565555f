#include "daemons/cri-frontend/translate/container.h"
#include "daemons/cri-frontend/translate/fields.h"
#include "ipc/limits.h"

namespace bulkhead::cri {
namespace {

// "rwm" in any order, each once.
bool isAccess(const std::string& text) {
  bool known = text.find_first_not_of("rwm") == std::string::npos;
  for (char c : text) known = known && text.find(c) == text.rfind(c);
  return known && !text.empty();
}

}  // namespace

std::vector<DevicePlan> translateDevices(const ::runtime::v1::ContainerConfig& config, FirstRefusal& no) {
  std::vector<DevicePlan> devices;
  no.unless(static_cast<size_t>(config.devices_size()) <= limits::devices, "config.devices",
            "has more than 256 entries");
  for (int i = 0; i < config.devices_size() && !no; ++i) {
    const auto& device = config.devices(i);
    std::string field = indexed("config.devices", i);
    no.note(checkAbsolutePath(device.host_path(), field + ".host_path"));
    no.note(checkAbsolutePath(device.container_path(), field + ".container_path"));
    no.unless(isAccess(device.permissions()), field + ".permissions", "is not of the letters r, w and m");
    devices.push_back({device.host_path(), device.container_path(), device.permissions()});
  }
  return devices;
}

}  // namespace bulkhead::cri
