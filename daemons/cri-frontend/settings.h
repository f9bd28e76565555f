// What cri keeps of the configuration.
#pragma once

#include <string>
#include <vector>

#include "daemons/cri-frontend/translate/pinned-images.h"
#include "ipc/schema/config.capnp.h"

namespace bulkhead::cri {

struct Settings {
  std::vector<std::string> handlers;  // names of the configured runtime handlers
  std::string defaultHandler;
  std::string cgroupParent;
  std::string ceilingProfile;
  PinnedImages pinnedImages;
  schema::ImageVolumes imageVolumes = schema::ImageVolumes::MKDIR;
};

Settings readSettings(schema::Config::Reader config);

}  // namespace bulkhead::cri
