// What certs.d has for a registry: containers-certs.d(5).
#pragma once

#include <string>
#include <vector>

namespace bulkhead::planner {

struct Certificates {
  std::string authorities;  // all *.crt (PEM)
  std::string certificate;  // the first *.cert by name, for the client (PEM); empty: none
  std::string key;          // and its *.key
};

// Of `host` ("host[:port]"), in the first of `directories` that has one for it. Throws FileError, also for a
// certificate without its key.
Certificates certificatesOf(const std::string& host, const std::vector<std::string>& directories);

// All hosts that `directories` have something for.
std::vector<std::string> certifiedHosts(const std::vector<std::string>& directories);

}  // namespace bulkhead::planner
