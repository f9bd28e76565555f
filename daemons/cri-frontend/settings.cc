#include "daemons/cri-frontend/settings.h"

#include "ipc/convert.h"

namespace bulkhead::cri {

Settings readSettings(schema::Config::Reader config) {
  Settings settings;
  for (auto runtime : config.getRuntimes()) settings.handlers.push_back(ipc::toString(runtime.getName()));
  settings.defaultHandler = ipc::toString(config.getDefaultRuntime());
  settings.cgroupParent = ipc::toString(config.getCgroupParent());
  settings.ceilingProfile = ipc::toString(config.getCeiling().getProfile());
  std::vector<std::string> pinned;
  for (auto pattern : config.getPinnedImages()) pinned.push_back(ipc::toString(pattern));
  settings.pinnedImages = PinnedImages(pinned);
  settings.imageVolumes = config.getImageVolumes();
  return settings;
}

}  // namespace bulkhead::cri
