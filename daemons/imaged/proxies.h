// Proxies: the daemon's environment, where the configuration is silent.
#pragma once

#include <string>

#include "ipc/schema/config.capnp.h"

namespace bulkhead::imaged {

// What curl and Go's programs read: HTTP_PROXY, HTTPS_PROXY and NO_PROXY, in either case of letters.
struct EnvironmentProxies {
  std::string http;
  std::string https;
  std::string noProxy;

  // To be called before jail::startDaemon() clears the environment.
  static EnvironmentProxies read();
};

// What holds: key by key, the configuration's before the environment's.
void mergeProxies(schema::Proxies::Reader configured, const EnvironmentProxies& environment,
                  schema::Proxies::Builder to);

}  // namespace bulkhead::imaged
