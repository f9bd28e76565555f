// A lookaside store: signatures of containers-signature(5) as files of a web server, whose address root wrote
// into registries.d. Neither a credential nor a client's certificate goes there.
#pragma once

#include <vector>

#include "daemons/common/base/digest.h"
#include "daemons/common/base/error.h"
#include "daemons/imaged/fetcher/found-signature.h"
#include "daemons/imaged/fetcher/http-client.h"
#include "daemons/imaged/fetcher/registry-access.h"

namespace bulkhead::fetcher {

class Lookaside {
 public:
  // `store`: as SignatureStores.lookaside, not empty. Refuses failedPrecondition a file URL, which a process
  // that talks to strangers does not open, and what is no URL. The others outlive this.
  static Outcome<Lookaside> at(const std::string& store, HttpClient& http, const RegistryAccess& source);

  // All signatures of the manifest or index `digest`, in order; none is no refusal. Refuses unavailable a
  // server that does not answer or is in trouble, resourceExhausted over limits::signatures of them, or over
  // limits::signature in size.
  Outcome<std::vector<SimpleMessage>> signaturesOf(const Digest& digest);

 private:
  Lookaside(Url base, HttpClient& http, const RegistryAccess& source)
      : base_(std::move(base)), http_(http), source_(source) {}

  // Nothing where there is no file.
  Outcome<std::optional<SimpleMessage>> read(const Url& url);
  tl::expected<HttpResponse, Transport> follow(Url url, SimpleMessage& body);
  [[nodiscard]] HttpRequest requestTo(const Url& url) const;
  [[nodiscard]] std::string who() const { return "signature store " + base_.host(); }

  Url base_;
  HttpClient& http_;
  const RegistryAccess& source_;
};

}  // namespace bulkhead::fetcher
