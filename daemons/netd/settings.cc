#include "daemons/netd/settings.h"

#include "ipc/convert.h"

namespace bulkhead::netd {
namespace {

std::vector<std::string> toStrings(capnp::List<capnp::Text>::Reader from) {
  std::vector<std::string> all;
  for (auto each : from) all.push_back(ipc::toString(each));
  return all;
}

}  // namespace

Settings settingsFrom(schema::Config::Reader config) {
  auto from = config.getNetwork();
  Settings settings;
  settings.configDirectory = ipc::toString(from.getConfigDirectory());
  settings.pluginDirectories = toStrings(from.getPluginDirectories());
  settings.defaultNetwork = ipc::toString(from.getDefaultNetwork());
  settings.addTimeout = std::chrono::milliseconds(from.getAddTimeoutMs());
  settings.delTimeout = std::chrono::milliseconds(from.getDelTimeoutMs());
  settings.pluginCapabilities = toStrings(from.getPluginCapabilities());
  settings.hostPorts = config.getCeiling().getHostPorts();
  settings.hostNetwork = config.getCeiling().getHostNetwork();
  return settings;
}

}  // namespace bulkhead::netd
