// RegistryAccess: where the images of a reference live and what root's configuration allows on the way there.
#pragma once

#include <string>
#include <vector>

namespace bulkhead::fetcher {

// A registry that the configuration names as a whole: a redirect may lead to it as if it were asked itself.
struct ListedPlace {
  std::string host;  // "host[:port]"
  bool insecure = false;
};

struct RegistryAccess {
  std::string host;        // "host[:port]"
  std::string repository;  // path of the image on that host
  bool plainHttp = false;  // http:// may be tried when https:// is not spoken
  bool skipVerify = false;
  bool listed = false;  // loopback and link-local addresses of this host and port are allowed
  std::vector<ListedPlace> places;
};

}  // namespace bulkhead::fetcher
