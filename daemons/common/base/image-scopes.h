// Where configuration that is kept by names of images is looked up: policy.json and registries.d, in one
// order.
#pragma once

#include <string>
#include <vector>

namespace bulkhead {

// The one name that registries are compared by, of "host[:port][/path]": hosts in lower case, without the
// port that https has anyway, and Docker Hub's three as docker.io.
std::string canonicalName(const std::string& name);

// The scopes of `repository` ("host/path") and, unless `suffix` (":tag", "@digest") is empty, of that one
// image; first match wins (containers-policy.json(5), "docker:"): the whole, the repository, its parents, the
// host, "*.DOMAIN" of the host without its port. Each as it is spelt and, right behind, by its canonical
// name: another spelling of a registry is no way around what is said of it.
std::vector<std::string> scopesOf(const std::string& repository, const std::string& suffix);

}  // namespace bulkhead
