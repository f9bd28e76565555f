#include "cli/instance.h"
#include "daemons/common/config/load.h"

namespace bulkhead::cli {

Settings loadSettings(const Instance& instance, const std::string& config, const std::string& ceiling) {
  jail::Options options;
  options.root = instance.root;
  options.configFile = config.empty() ? defaultConfigFile : config;
  options.ceilingFile = ceiling.empty() ? ceilingFileOf(instance, config, "") : ceiling;
  options.library = instance.library;
  LoadedConfig loaded = loadConfig(options);
  auto ids = loaded.get().getIdentities();
  Settings settings;
  settings.accounts.cri = {ids.getCriUid(), ids.getCriGid()};
  settings.accounts.image = {ids.getImageUid(), ids.getImageGid()};
  settings.accounts.storage = {ids.getStorageUid(), ids.getStorageGid()};
  settings.accounts.net = {ids.getNetUid(), ids.getNetGid()};
  settings.accounts.reader = {ids.getReaderUid(), ids.getReaderGid()};
  settings.accounts.shimBase = ids.getShimBase();
  settings.accounts.shimCount = ids.getShimCount();
  settings.accounts.socketGid = ids.getSocketGid();
  settings.ceilingProfile = loaded.get().getCeiling().getProfile();
  return settings;
}

}  // namespace bulkhead::cli
