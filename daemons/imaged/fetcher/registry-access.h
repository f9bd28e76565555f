// RegistryAccess: one place that may have the images of a reference, and what root's configuration allows on
// the way there.
#pragma once

#include <string>
#include <vector>

#include "daemons/imaged/fetcher/url.h"

namespace bulkhead::fetcher {

// What TLS to one host has beside the system's trust anchors: certs.d of root's.
struct TlsFiles {
  std::string authorities;  // more trust anchors (PEM)
  std::string certificate;  // the client's (PEM); empty: none
  std::string key;
};

// A host that the configuration names as a whole: a redirect or a token server there is treated as it says.
struct ListedPlace {
  std::string host;  // "host[:port]"
  bool insecure = false;
  bool listed = false;  // as RegistryAccess's
  TlsFiles tls;         // without a client's certificate: that is for the registry itself
};

struct RegistryAccess {
  std::string host;        // "host[:port]"
  std::string repository;  // path of the image on that host
  bool plainHttp = false;  // http:// may be tried when https:// is not spoken
  bool skipVerify = false;
  bool listed = false;  // loopback and link-local addresses of this host and port are allowed
  bool mirror = false;
  TlsFiles tls;
  std::vector<ListedPlace> places;

  // What the configuration says of another host than this; nothing: it does not name it.
  [[nodiscard]] const ListedPlace* placeAt(const Url& url) const;
  // "registry example.com:5000", for refusals and the log.
  [[nodiscard]] std::string who() const { return (mirror ? "mirror " : "registry ") + host; }
};

}  // namespace bulkhead::fetcher
