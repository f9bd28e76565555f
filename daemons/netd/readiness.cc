#include "daemons/netd/readiness.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

namespace bulkhead::netd {
namespace {

constexpr const char* notReady = "NetworkPluginNotReady";

// A directory that netd may not look into may hold the plugin: the runner, which is root, will see.
bool mayExist(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 || errno == EACCES;
}

bool isInstalled(const std::string& plugin, const std::vector<std::string>& directories) {
  return std::any_of(directories.begin(), directories.end(),
                     [&plugin](const std::string& directory) { return mayExist(directory + "/" + plugin); });
}

}  // namespace

Readiness readinessOf(ConflistDirectory& configuration, const std::vector<std::string>& pluginDirectories) {
  const auto& conflist = configuration.current();
  if (!conflist) return {false, notReady, describe(conflist.error())};
  for (const std::string& plugin : conflist->executables()) {
    if (isInstalled(plugin, pluginDirectories)) continue;
    return {false, notReady, "CNI plugin " + plugin + " of network " + conflist->name + " is not installed"};
  }
  return {true, "", ""};
}

}  // namespace bulkhead::netd
