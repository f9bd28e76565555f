// Credentials: what the kubelet gave us for one pull. Lives only in the fetcher that uses it; never logged.
#pragma once

#include <string>
#include <string_view>

#include "daemons/common/base/error.h"

namespace bulkhead::fetcher {

struct Credentials {
  std::string username;
  std::string password;
  std::string identityToken;  // an OAuth 2 refresh token
  std::string registryToken;  // a bearer token, used as it is

  [[nodiscard]] bool empty() const {
    return username.empty() && identityToken.empty() && registryToken.empty();
  }
};

// CRI's AuthConfig: `auth` is base64 of "username:password" and counts if `username` is empty. Refuses
// malformed base64, a user name with a colon and control bytes anywhere, naming only the field.
struct AuthTexts {
  std::string username;
  std::string password;
  std::string auth;
  std::string identityToken;
  std::string registryToken;
};
Outcome<Credentials> credentialsFrom(const AuthTexts& texts);

// Is a credential for `serverAddress` ("https://index.docker.io/v1/", "host:5000" or empty: the host that the
// reference names) meant for the registry that we go to? Another one, which the configuration names instead,
// gets its own credential only, and none over a line without verified TLS. Docker Hub goes by three names.
bool isMeantFor(std::string_view serverAddress, std::string_view referenceHost, std::string_view registryHost,
                bool insecure);

// The value of an Authorization header (RFC 7617 §2).
std::string basicAuthorization(const Credentials& credentials);

}  // namespace bulkhead::fetcher
