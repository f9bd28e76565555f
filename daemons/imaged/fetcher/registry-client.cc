#include "daemons/imaged/fetcher/registry-client.h"

#include <algorithm>

#include "daemons/imaged/fetcher/registry-refusals.h"
#include "ipc/limits.h"

namespace bulkhead::fetcher {
namespace {

using namespace std::chrono_literals;

// 4 MiB in two minutes is the slowest line that a kubelet would wait for; a slower drip is a stall.
constexpr auto documentDeadline = 120s;

constexpr const char* manifestTypes =
    "Accept: application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.docker.distribution.manifest.v2+json";

constexpr const char* schema1Types =
    "Accept: application/vnd.docker.distribution.manifest.v1+prettyjws;q=0.5, "
    "application/vnd.docker.distribution.manifest.v1+json;q=0.5";

bool isTransient(Transport transport) {
  return transport == Transport::brokenOff || transport == Transport::refused;
}
bool isTransient(long status) {
  return status == 429 || status >= 500;
}

// A server that speaks plain HTTP answers our TLS hello with nonsense, silence or a closed connection; one
// that listens on port 80 alone refuses the connection.
bool couldSpeakPlainHttp(Transport transport) {
  return transport == Transport::notTls || transport == Transport::brokenOff ||
         transport == Transport::refused || transport == Transport::timedOut;
}

}  // namespace

std::chrono::milliseconds backoff(int attempt) {
  return std::min<std::chrono::milliseconds>(100ms * (1 << std::min(attempt, 10)), 5s);
}

RegistryClient::RegistryClient(HttpClient& http, RegistryAccess registry, Credentials credentials,
                               const std::string& token)
    : http_(http),
      registry_(std::move(registry)),
      authorizer_(http_, registry_, std::move(credentials), token) {}

Outcome<std::string> RegistryClient::manifest(const std::string& tagOrDigest) {
  const char* joint = tagOrDigest.find(':') == std::string::npos ? ":" : "@";
  std::vector<std::string> accepted{manifestTypes};
  if (schema1_) accepted.emplace_back(schema1Types);
  return document(
      {ofRepository("/manifests/" + tagOrDigest), joint + tagOrDigest, accepted, documentDeadline},
      limits::document);
}

std::string RegistryClient::ofRepository(const std::string& path) const {
  return "/v2/" + registry_.repository + path;
}

// containers/image asks the same address. A 401 says as much, and is not answered: a token for no repository
// would be good for nothing else.
Outcome<bool> RegistryClient::hasSignatureExtension() {
  Wanted ping{"/v2/", {}, {}, documentDeadline};
  for (int attempt = 1;; ++attempt) {
    auto nothing = [](const HttpResponse&, std::string_view) { return true; };
    auto response = askRegistry(ping, nothing);
    if (response && response->status < 500 && response->status != 429)
      return response->header("x-registry-supports-signatures") == "1";
    Refusal refusal =
        response ? brokenAnswerFrom(who(), response->status) : noAnswerFrom(who(), response.error());
    if (refusal.code != Code::unavailable || attempt == triesWithoutProgress) return tl::unexpected(refusal);
    http_.pause(backoff(attempt));
  }
}

Outcome<std::string> RegistryClient::signatures(const Digest& digest) {
  return document({"/extensions/v2/" + registry_.repository + "/signatures/" + digest.text(),
                   " signatures of " + digest.text(),
                   {},
                   documentDeadline},
                  limits::document);
}

Outcome<std::string> RegistryClient::smallBlob(const Digest& digest, std::uint64_t size) {
  if (size > limits::document)
    return refuse(Code::resourceExhausted, "", digest.text() + " is larger than 4 MiB");
  auto body =
      document({ofRepository("/blobs/" + digest.text()), "@" + digest.text(), {}, documentDeadline}, size);
  if (body && body->size() < size)
    return refuse(Code::failedPrecondition, "", digest.text() + " is shorter than declared");
  return body;
}

tl::expected<HttpResponse, Failure> RegistryClient::blob(const Digest& digest, std::uint64_t offset,
                                                         const BodySink& sink) {
  Wanted wanted{ofRepository("/blobs/" + digest.text()), "@" + digest.text(), {}, 0ms};
  if (offset > 0) wanted.headers.push_back("Range: bytes=" + std::to_string(offset) + "-");
  return request(wanted, sink);
}

Outcome<std::string> RegistryClient::document(const Wanted& wanted, size_t limit) {
  for (int attempt = 1;; ++attempt) {
    std::string body;
    auto take = [&](const HttpResponse&, std::string_view bytes) {
      body += bytes;
      return body.size() <= limit;
    };
    Answer answer = request(wanted, take);
    if (body.size() > limit) {
      return refuse(Code::resourceExhausted, "",
                    wanted.label.substr(1) + " is over its limit of " + std::to_string(limit) + " bytes");
    }
    if (answer) return body;
    if (!answer.error().transient || attempt == triesWithoutProgress)
      return tl::unexpected(answer.error().refusal);
    http_.pause(backoff(attempt));
  }
}

RegistryClient::Answer RegistryClient::request(const Wanted& wanted, const BodySink& sink) {
  for (bool authorized = false;; authorized = true) {
    Answer answer = followRedirects(wanted, sink);
    if (!answer || answer->isSuccess()) return answer;
    if (answer->status != 401 || authorized) {
      return tl::unexpected(
          Failure{refusedBy(registry_, answer->status, wanted.label), isTransient(answer->status)});
    }
    auto ready = authorizer_.answer(urlOf(wanted), *answer);
    if (!ready) return tl::unexpected(Failure{ready.error(), ready.error().code == Code::unavailable});
  }
}

RegistryClient::Answer RegistryClient::followRedirects(const Wanted& wanted, const BodySink& sink) {
  auto response = askRegistry(wanted, sink);
  Url url = urlOf(wanted);
  for (int hop = 0; response && response->isRedirect(); ++hop) {
    auto next = url.follow(response->header("location"));
    if (!next || hop == maxRedirects || !mayRedirectTo(*next)) {
      return tl::unexpected(
          Failure{{Code::failedPrecondition, "", who() + " redirects to where we do not go"}});
    }
    url = *next;
    response = http_.exchange(requestTo(url, wanted), sink);
  }
  if (!response) {
    std::string where = url.sameOrigin(urlOf(wanted)) ? who() : who() + ", redirected to " + url.host();
    return tl::unexpected(Failure{noAnswerFrom(where, response.error()), isTransient(response.error())});
  }
  // Only the registry itself may ask for a credential.
  if (response->status == 401 && !url.sameOrigin(urlOf(wanted))) {
    return tl::unexpected(Failure{refusedBy(registry_, 401, wanted.label)});
  }
  return *response;
}

tl::expected<HttpResponse, Transport> RegistryClient::askRegistry(const Wanted& wanted,
                                                                  const BodySink& sink) {
  auto response = http_.exchange(requestTo(urlOf(wanted), wanted), sink);
  if (!response && !settled_ && registry_.plainHttp && couldSpeakPlainHttp(response.error())) {
    plain_ = true;
    response = http_.exchange(requestTo(urlOf(wanted), wanted), sink);
    plain_ = response.has_value() || response.error() == Transport::stopped;
  }
  settled_ = settled_ || response.has_value();
  return response;
}

Url RegistryClient::urlOf(const Wanted& wanted) const {
  const char* scheme = plain_ ? "http://" : "https://";
  auto url = Url::parse(scheme + registry_.host + wanted.path);
  if (!url) throw std::runtime_error("the registry's address does not make a URL");  // checked by main
  return *url;
}

HttpRequest RegistryClient::requestTo(const Url& url, const Wanted& wanted) const {
  Url home = urlOf(wanted);
  HttpRequest request{url, wanted.headers, {}, false, false, wanted.deadline};
  if (url.samePlace(home)) {
    request.skipVerify = registry_.skipVerify;
    request.anyAddress = registry_.listed;
    request.tls = &registry_.tls;
  } else if (const ListedPlace* place = registry_.placeAt(url)) {
    request.skipVerify = place->insecure;
    request.anyAddress = place->listed;
    request.tls = &place->tls;
  }
  if (url.sameOrigin(home) && !authorizer_.authorization().empty()) {
    request.headers.push_back("Authorization: " + authorizer_.authorization());
  }
  return request;
}

bool RegistryClient::mayRedirectTo(const Url& url) const {
  return url.isHttps() || registry_.plainHttp;
}

}  // namespace bulkhead::fetcher
