// TokenCache: bearer tokens that fetchers got, for the fetchers after them: ten layers need not ask a token
// server ten times. In main's memory only, until they expire. An entry belongs to one credential (its hash),
// host and repository, and goes to no other.
#pragma once

#include <kj/async.h>
#include <kj/timer.h>

#include <array>
#include <map>
#include <string>

#include "ipc/schema/fetch.capnp.h"

namespace bulkhead::imaged {

class TokenCache final : private kj::TaskSet::ErrorHandler {
 public:
  explicit TokenCache(kj::Timer& timer);
  ~TokenCache();
  TokenCache(const TokenCache&) = delete;
  TokenCache& operator=(const TokenCache&) = delete;

  using Key = std::array<unsigned char, 32>;
  // Of the credentials that a fetcher has for a source: a keyed hash, useless elsewhere.
  [[nodiscard]] Key keyOf(schema::Source::Reader source, schema::Auth::Reader request,
                          schema::Auth::Reader fromFile) const;

  // Empty: none. Valid until the next call.
  [[nodiscard]] const std::string& find(const Key& key);
  // A fetcher's word, which a stranger may have put into its mouth: what is no token, or too long, is
  // dropped. `seconds` that it lives; kept for a little less, and never more than an hour.
  void keep(const Key& key, capnp::Text::Reader token, uint32_t seconds);

 private:
  struct Kept {
    std::string token;
    kj::TimePoint end;
  };
  void forget(std::map<Key, Kept>::iterator entry);
  void forgetExpired();
  void taskFailed(kj::Exception&& exception) override;

  kj::Timer& timer_;
  Key secret_{};
  std::map<Key, Kept> kept_;
  const std::string none_;
  kj::TaskSet expiries_{*this};  // last: it uses the others
};

}  // namespace bulkhead::imaged
