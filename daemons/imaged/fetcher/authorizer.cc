#include "daemons/imaged/fetcher/authorizer.h"

#include <curl/curl.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "daemons/imaged/fetcher/registry-refusals.h"
#include "ipc/limits.h"

namespace bulkhead::fetcher {
namespace {

using namespace std::chrono_literals;

constexpr auto tokenDeadline = 60s;
// Of a challenge's scope and service; real ones are a line.
constexpr size_t longestParameter = 4096;

std::string parameter(const Challenge& challenge, const std::string& name) {
  auto found = challenge.parameters.find(name);
  return found == challenge.parameters.end() ? std::string() : found->second;
}

std::string escaped(const std::string& text) {
  char* out = curl_easy_escape(nullptr, text.data(), static_cast<int>(text.size()));
  if (out == nullptr) throw std::bad_alloc();
  std::string copy(out);
  curl_free(out);
  return copy;
}

// RFC 6750 §2.1: b64token. Anything else could smuggle a header.
bool isToken(const std::string& text) {
  auto good = [](char c) {
    bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return alnum || std::string_view("-._~+/=").find(c) != std::string_view::npos;
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), good);
}

// "token" or, as in OAuth 2, "access_token"; nothing if neither is there.
std::optional<IssuedToken> tokenIn(const std::string& reply) {
  auto json = nlohmann::json::parse(reply, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  // docs/spec/auth/token.md: 60 seconds if it does not say.
  auto life = json.find("expires_in");
  bool says = life != json.end() && life->is_number_unsigned();
  std::uint64_t seconds = says ? life->get<std::uint64_t>() : 60;
  for (const char* name : {"token", "access_token"}) {
    auto found = json.find(name);
    if (found != json.end() && found->is_string() && isToken(*found)) {
      return IssuedToken{*found, static_cast<std::uint32_t>(std::min<std::uint64_t>(seconds, 86400))};
    }
  }
  return std::nullopt;
}

}  // namespace

Authorizer::Authorizer(HttpClient& http, const RegistryAccess& registry, Credentials credentials,
                       const std::string& token)
    : http_(http), registry_(registry), credentials_(std::move(credentials)) {
  if (isToken(token)) authorization_ = "Bearer " + token;
  if (!credentials_.registryToken.empty()) authorization_ = "Bearer " + credentials_.registryToken;
}

Outcome<void> Authorizer::answer(const Url& registry, const HttpResponse& unauthorized) {
  auto challenges = parseChallenges(unauthorized.header("www-authenticate"));
  auto find = [&](std::string_view scheme) {
    return std::find_if(challenges.begin(), challenges.end(),
                        [&](const Challenge& c) { return c.scheme == scheme; });
  };
  bool answerable = credentials_.registryToken.empty();  // that one has just been refused
  if (auto bearer = find("bearer"); answerable && bearer != challenges.end())
    return fetchToken(registry, *bearer);
  bool withBasic = answerable && find("basic") != challenges.end() && !credentials_.username.empty();
  if (!withBasic) return tl::unexpected(refusedBy(registry_, 401));
  authorization_ = basicAuthorization(credentials_);
  return {};
}

Outcome<HttpRequest> Authorizer::tokenRequest(const Url& registry, const Challenge& challenge) const {
  auto realm = Url::parse(parameter(challenge, "realm"));
  if (!realm) return refuse(Code::failedPrecondition, "", registry_.who() + " names no usable token server");
  bool home = realm->samePlace(registry);
  if (!realm->isHttps() && !(home && registry_.plainHttp)) {
    return refuse(Code::permissionDenied, "", registry_.who() + " names a token server without TLS");
  }
  std::string service = parameter(challenge, "service");
  std::string scope = parameter(challenge, "scope");
  if (std::max(service.size(), scope.size()) > longestParameter) {
    return refuse(Code::failedPrecondition, "", registry_.who() + " asks for too long a token scope");
  }
  if (scope.empty()) scope = "repository:" + registry_.repository + ":pull";

  // What the configuration forgives the registry, it forgives this place alone.
  HttpRequest request{*realm, {}, {}, false, false, tokenDeadline};
  if (home) {
    request.skipVerify = registry_.skipVerify;
    request.anyAddress = registry_.listed;
    request.tls = &registry_.tls;
  } else if (const ListedPlace* place = registry_.placeAt(*realm)) {
    // Its address and its trust anchors; unverified TLS is not for a credential.
    request.anyAddress = place->listed && !place->insecure;
    request.tls = &place->tls;
  }
  if (!credentials_.identityToken.empty()) {
    request.form = "grant_type=refresh_token&client_id=bulkhead&service=" + escaped(service) +
                   "&scope=" + escaped(scope) + "&refresh_token=" + escaped(credentials_.identityToken);
    return request;
  }
  if (!service.empty()) request.url = request.url.withQuery("service", service);
  request.url = request.url.withQuery("scope", scope);
  if (!credentials_.username.empty()) {
    request.url = request.url.withQuery("account", credentials_.username);
    request.headers.push_back("Authorization: " + basicAuthorization(credentials_));
  }
  return request;
}

Outcome<void> Authorizer::fetchToken(const Url& registry, const Challenge& challenge) {
  auto request = tokenRequest(registry, challenge);
  if (!request) return tl::unexpected(request.error());

  std::string body;
  auto response = http_.exchange(*request, [&body](const HttpResponse&, std::string_view bytes) {
    body += bytes;
    return body.size() <= limits::tokenReply;
  });
  const std::string server = "token server " + request->url.host();
  if (!response && response.error() == Transport::stopped) {
    return refuse(Code::resourceExhausted, "", server + " sent more than 1 MiB");
  }
  if (!response) return tl::unexpected(noAnswerFrom(server, response.error()));
  if (response->status >= 400 && response->status < 500 && response->status != 429) {
    return refuse(Code::permissionDenied, "",
                  server + " refuses (HTTP " + std::to_string(response->status) + ")");
  }
  if (response->status != 200) return tl::unexpected(brokenAnswerFrom(server, response->status));
  auto token = tokenIn(body);
  if (!token) return refuse(Code::failedPrecondition, "", server + " sent no token");
  authorization_ = "Bearer " + token->token;
  issued_ = std::move(*token);
  return {};
}

}  // namespace bulkhead::fetcher
