// Authorizer: answers a registry's 401 with the one credential of this pull. Decides where a credential may
// go: to the registry's own origin, and to the token server that the registry names, over verified TLS.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "daemons/common/base/error.h"
#include "daemons/imaged/fetcher/auth-challenge.h"
#include "daemons/imaged/fetcher/credentials.h"
#include "daemons/imaged/fetcher/http-client.h"
#include "daemons/imaged/fetcher/registry-access.h"

namespace bulkhead::fetcher {

// From a token server, and how long it lives from now on.
struct IssuedToken {
  std::string token;
  std::uint32_t seconds = 0;
};

class Authorizer {
 public:
  // `token`: as RegistryClient's. One that the registry refuses is replaced.
  Authorizer(HttpClient& http, const RegistryAccess& registry, Credentials credentials,
             const std::string& token);

  // The Authorization header's value for a request to the registry's own origin; empty: none yet.
  [[nodiscard]] const std::string& authorization() const { return authorization_; }

  [[nodiscard]] const std::optional<IssuedToken>& issued() const { return issued_; }

  // After 401 from `registry`: gets what authorization() says from now on. Bearer (distribution's token
  // protocol: docs/spec/auth/token.md and oauth.md) is preferred to Basic. Refuses with permissionDenied if
  // there is nothing to answer with, or the token server says no.
  Outcome<void> answer(const Url& registry, const HttpResponse& unauthorized);

 private:
  Outcome<void> fetchToken(const Url& registry, const Challenge& challenge);
  [[nodiscard]] Outcome<HttpRequest> tokenRequest(const Url& registry, const Challenge& challenge) const;

  HttpClient& http_;
  const RegistryAccess& registry_;
  Credentials credentials_;
  std::string authorization_;
  std::optional<IssuedToken> issued_;
};

}  // namespace bulkhead::fetcher
