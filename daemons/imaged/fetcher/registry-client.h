// RegistryClient: the pull half of the OCI distribution specification, v1.1 ("Pulling manifests", "Pulling
// blobs"). Finds the scheme, answers 401, follows redirects; a credential goes to the registry's own origin
// and nowhere else.
#pragma once

#include <cstdint>
#include <string>

#include "daemons/common/base/digest.h"
#include "daemons/common/base/error.h"
#include "daemons/imaged/fetcher/authorizer.h"
#include "daemons/imaged/fetcher/http-client.h"
#include "daemons/imaged/fetcher/registry-access.h"

namespace bulkhead::fetcher {

// One attempt failed.
struct Failure {
  Refusal refusal;
  bool transient = false;  // the same request could succeed a moment later
};

class RegistryClient {
 public:
  // `http` outlives the client. `token`: a bearer token that may still hold; empty: none.
  RegistryClient(HttpClient& http, RegistryAccess registry, Credentials credentials,
                 const std::string& token = {});
  RegistryClient(const RegistryClient&) = delete;  // the authorizer refers to registry_
  // Manifests of Docker's schema 1 are asked for as well.
  void acceptSchema1() { schema1_ = true; }
  RegistryClient& operator=(const RegistryClient&) = delete;

  // An index or manifest by digest or tag, at most limits::document bytes. Unverified. Refusals:
  // registry-refusals.h, and resourceExhausted for one over the limit. Transient failures are tried three
  // times.
  Outcome<std::string> manifest(const std::string& tagOrDigest);
  // A blob that must be exactly `size` bytes, at most limits::document. The same.
  Outcome<std::string> smallBlob(const Digest& digest, std::uint64_t size);

  // Whether it keeps signatures beside its images (X-Registry-Supports-Signatures). Refuses unavailable one
  // that does not answer.
  Outcome<bool> hasSignatureExtension();
  // What that extension says of a manifest, at most limits::document bytes of JSON. Refusals as manifest().
  Outcome<std::string> signatures(const Digest& digest);

  // One attempt at a blob, from byte `offset` on if the registry can (206), else from the start (200).
  tl::expected<HttpResponse, Failure> blob(const Digest& digest, std::uint64_t offset, const BodySink& sink);

  // "registry example.com:5000", for refusals.
  [[nodiscard]] std::string who() const { return registry_.who(); }
  // The bearer token that a token server issued meanwhile; nothing if none did.
  [[nodiscard]] const std::optional<IssuedToken>& issued() const { return authorizer_.issued(); }
  [[nodiscard]] const RegistryAccess& registry() const { return registry_; }
  [[nodiscard]] HttpClient& http() { return http_; }

 private:
  using Answer = tl::expected<HttpResponse, Failure>;
  struct Wanted {
    std::string path;                  // on the registry's host
    std::string label;                 // what a refusal calls it
    std::vector<std::string> headers;  // without Authorization
    std::chrono::milliseconds deadline{0};
  };

  Outcome<std::string> document(const Wanted& wanted, size_t limit);
  Answer request(const Wanted& wanted, const BodySink& sink);
  Answer followRedirects(const Wanted& wanted, const BodySink& sink);
  tl::expected<HttpResponse, Transport> askRegistry(const Wanted& wanted, const BodySink& sink);
  [[nodiscard]] std::string ofRepository(const std::string& path) const;
  [[nodiscard]] Url urlOf(const Wanted& wanted) const;
  [[nodiscard]] HttpRequest requestTo(const Url& url, const Wanted& wanted) const;
  [[nodiscard]] bool mayRedirectTo(const Url& url) const;

  HttpClient& http_;
  RegistryAccess registry_;
  Authorizer authorizer_;
  bool schema1_ = false;
  bool plain_ = false;    // speak http://
  bool settled_ = false;  // the registry has answered in that scheme
};

// Before try number `attempt` + 1: 200 ms, 400 ms, …, at most 5 s.
std::chrono::milliseconds backoff(int attempt);
// Tries without any progress before giving up.
inline constexpr int triesWithoutProgress = 3;

}  // namespace bulkhead::fetcher
