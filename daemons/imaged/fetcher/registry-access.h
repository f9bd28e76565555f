// RegistryAccess: where the images of a reference live and what root's configuration allows on the way there.
#pragma once

#include <string>

namespace bulkhead::fetcher {

struct RegistryAccess {
  std::string host;        // "host[:port]"
  std::string repository;  // path of the image on that host
  bool plainHttp = false;  // http:// may be tried when https:// is not spoken
  bool skipVerify = false;
  bool listed = false;  // loopback and link-local addresses of this host are allowed
};

}  // namespace bulkhead::fetcher
