#include "daemons/netd/configuration-place.h"

#include <sys/stat.h>

#include <algorithm>

namespace bulkhead::netd {

ConfigurationPlace::ConfigurationPlace(const std::string& directory)
    : parents_{directory.substr(0, std::max<size_t>(directory.rfind('/'), 1)), directory + "/.."},
      seen_(look()) {}

// stat(2) needs no right that Landlock knows of.
bool ConfigurationPlace::moved() const {
  auto now = look();
  return std::any_of(now.begin(), now.end(), [this](const Identity& identity) {
    return std::find(seen_.begin(), seen_.end(), identity) == seen_.end();
  });
}

std::vector<ConfigurationPlace::Identity> ConfigurationPlace::look() const {
  std::vector<Identity> identities;
  for (const std::string& path : parents_) {
    struct stat info {};
    if (::stat(path.c_str(), &info) == 0) identities.emplace_back(info.st_dev, info.st_ino);
  }
  return identities;
}

}  // namespace bulkhead::netd
