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
  auto streaming = loaded.get().getStreaming();
  settings.streaming = {streaming.getAddress().cStr(), streaming.getPort()};
  settings.globalAuthFile = loaded.get().getFetching().getGlobalAuthFile().cStr();
  settings.namespacedAuthDirectory = loaded.get().getFetching().getNamespacedAuthDirectory().cStr();
  settings.ceilingProfile = loaded.get().getCeiling().getProfile();
  for (auto name : loaded.get().getNetwork().getPluginCapabilities()) {
    settings.pluginCapabilities.emplace_back(name.cStr());
  }
  auto fallback = loaded.get().getFallbackRuntime();
  settings.hasFallbackRuntime = fallback.size() > 0 && fallback != loaded.get().getDefaultRuntime();
  for (auto runtime : loaded.get().getRuntimes()) {
    if (runtime.getName() == loaded.get().getDefaultRuntime())
      settings.defaultRuntimePath = runtime.getPath().cStr();
  }
  return settings;
}

}  // namespace bulkhead::cli
