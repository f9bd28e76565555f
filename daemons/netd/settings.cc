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
  return {ipc::toString(from.getConfigDirectory()),
          toStrings(from.getPluginDirectories()),
          ipc::toString(from.getDefaultNetwork()),
          std::chrono::milliseconds(from.getAddTimeoutMs()),
          std::chrono::milliseconds(from.getDelTimeoutMs()),
          toStrings(from.getPluginCapabilities()),
          config.getCeiling().getHostPorts()};
}

}  // namespace bulkhead::netd
