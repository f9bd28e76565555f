// What a registry says with 401: the challenges of WWW-Authenticate (RFC 9110 §11.6.1).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace bulkhead::fetcher {

struct Challenge {
  std::string scheme;                             // lower case: "bearer", "basic"
  std::map<std::string, std::string> parameters;  // names in lower case, values unquoted
};

// All challenges of one header value (several headers are joined by ", " first). What does not fit the
// grammar ends the parse; the challenges before it are kept.
std::vector<Challenge> parseChallenges(std::string_view header);

}  // namespace bulkhead::fetcher
