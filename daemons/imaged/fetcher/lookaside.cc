#include "daemons/imaged/fetcher/lookaside.h"

#include "daemons/imaged/fetcher/registry-client.h"
#include "daemons/imaged/fetcher/registry-refusals.h"
#include "ipc/limits.h"

namespace bulkhead::fetcher {
namespace {

using namespace std::chrono_literals;

constexpr auto signatureDeadline = 60s;

}  // namespace

Outcome<Lookaside> Lookaside::at(const std::string& store, HttpClient& http, const RegistryAccess& source) {
  if (store.starts_with("file:")) {
    return refuse(Code::failedPrecondition, "signatures",
                  "of " + source.repository + " are in " + store +
                      " as registries.d says, and files are not read: name a web server");
  }
  auto base = Url::parse(store + "/" + source.repository);
  if (!base) {
    return refuse(Code::failedPrecondition, "signatures",
                  "of " + source.repository + " are at no address: registries.d");
  }
  return Lookaside(*std::move(base), http, source);
}

// containers/image, docs/signature-protocols.md: BASE/PATH@sha256=HEX/signature-1 and so on, without a gap.
Outcome<std::vector<SimpleMessage>> Lookaside::signaturesOf(const Digest& digest) {
  std::vector<SimpleMessage> messages;
  while (true) {
    std::string number = std::to_string(messages.size() + 1);
    auto url = Url::parse(base_.text() + "@sha256=" + digest.hex() + "/signature-" + number);
    if (!url) throw std::runtime_error("a lookaside store's address does not make a URL");
    auto message = read(*url);
    if (!message) return tl::unexpected(message.error());
    if (!*message) return messages;
    if (messages.size() == limits::signatures)
      return refuse(Code::resourceExhausted, "signatures", "are more than 128 in " + who());
    messages.push_back(**std::move(message));
  }
}

Outcome<std::optional<SimpleMessage>> Lookaside::read(const Url& url) {
  for (int attempt = 1;; ++attempt) {
    SimpleMessage body;
    auto response = follow(url, body);
    if (body.size() > limits::signature)
      return refuse(Code::resourceExhausted, "signatures", "are larger than 1 MiB in " + who());
    if (response && response->isSuccess()) return body;
    if (response && response->status == 404) return std::nullopt;
    Refusal refusal =
        response ? brokenAnswerFrom(who(), response->status) : noAnswerFrom(who(), response.error());
    if (refusal.code != Code::unavailable || attempt == triesWithoutProgress) return tl::unexpected(refusal);
    http_.pause(backoff(attempt));
  }
}

tl::expected<HttpResponse, Transport> Lookaside::follow(Url url, SimpleMessage& body) {
  auto take = [&body](const HttpResponse&, std::string_view bytes) {
    body += bytes;
    return body.size() <= limits::signature;
  };
  auto response = http_.exchange(requestTo(url), take);
  for (int hop = 0; response && response->isRedirect() && hop < maxRedirects; ++hop) {
    auto next = url.follow(response->header("location"));
    if (!next || (base_.isHttps() && !next->isHttps())) return response;
    url = *std::move(next);
    response = http_.exchange(requestTo(url), take);
  }
  return response;
}

// Root named this place; what it redirects to is a stranger's word.
HttpRequest Lookaside::requestTo(const Url& url) const {
  HttpRequest request{url, {}, {}, false, url.samePlace(base_), signatureDeadline};
  if (const ListedPlace* place = source_.placeAt(url)) {
    request.skipVerify = place->insecure;
    request.anyAddress = request.anyAddress || place->listed;
    request.tls = &place->tls;
  }
  return request;
}

}  // namespace bulkhead::fetcher
