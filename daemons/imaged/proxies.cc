#include "daemons/imaged/proxies.h"

#include <cstdlib>

namespace bulkhead::imaged {
namespace {

std::string either(const char* upper, const char* lower) {
  for (const char* name : {upper, lower}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return value;
  }
  return {};
}

}  // namespace

EnvironmentProxies EnvironmentProxies::read() {
  return {either("HTTP_PROXY", "http_proxy"), either("HTTPS_PROXY", "https_proxy"),
          either("NO_PROXY", "no_proxy")};
}

void mergeProxies(schema::Proxies::Reader configured, const EnvironmentProxies& environment,
                  schema::Proxies::Builder to) {
  auto first = [](capnp::Text::Reader own, const std::string& other) {
    return own.size() > 0 ? own : capnp::Text::Reader(other);
  };
  to.setHttp(first(configured.getHttp(), environment.http));
  to.setHttps(first(configured.getHttps(), environment.https));
  to.setNoProxy(first(configured.getNoProxy(), environment.noProxy));
}

}  // namespace bulkhead::imaged
