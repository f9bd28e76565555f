// A CNI network configuration (CNI specification 1.1, section 1), as one of the files in the configuration
// directory or as netd's own record holds it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "daemons/netd/json.h"

namespace bulkhead::netd {

struct Plugin {
  std::string type;  // a plain name: the executable
  Json config;       // the plugin's object as written
  // Capabilities that it declares as true: what it wants in runtimeConfig.
  [[nodiscard]] bool declares(const char* capability) const;
};

struct Conflist {
  std::string name;
  std::string version;  // the cniVersion that requests are made in
  std::vector<Plugin> plugins;
  bool disableCheck = false;  // root says that its plugins do not do it well
  bool disableGc = false;

  // Whether requests are made in `least` or a later version, one of 0.3.0 to 1.1.0: CHECK and the results
  // that DEL gets came with 0.4.0, STATUS and GC with 1.1.0.
  [[nodiscard]] bool speaks(std::string_view least) const;
  // Names of every executable that a run needs: the plugins and their IPAM delegates.
  [[nodiscard]] std::vector<std::string> executables() const;
  // What parseConflist() reads again.
  [[nodiscard]] Json document() const;
};

// A list ("plugins") or a single plugin's configuration ("type"), which is wrapped into a list of one.
// Versions 0.3.0 to 1.1.0; of several ("cniVersions") the highest of these. Refuses (invalidArgument):
// anything malformed, a network, plugin or IPAM name that is not a plain name, no plugin, more than 32 of
// them. `field` names the source.
Outcome<Conflist> parseConflist(std::string_view text, const std::string& field);

}  // namespace bulkhead::netd
