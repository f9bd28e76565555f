// Tokens: what lets a client in. 256 bits of the kernel's randomness, good once, for a minute, and for what
// they were given out for.
#pragma once

#include <kj/time.h>

#include <array>
#include <list>
#include <optional>
#include <string>
#include <string_view>

#include "daemons/cri-frontend/streaming/limits.h"

namespace bulkhead::streaming {

template <typename Offer>
class Tokens {
 public:
  // Nothing if limits::tokens are out already.
  std::optional<std::string> give(Offer offer, kj::TimePoint now);
  // The offer, which nobody gets again. Nothing for what is no token, or no longer.
  std::optional<Offer> take(std::string_view token, kj::TimePoint now);
  [[nodiscard]] size_t count() const { return given_.size(); }

 private:
  struct Given {
    std::string token;
    kj::TimePoint until;
    Offer offer;
  };
  void forgetOld(kj::TimePoint now) {
    while (!given_.empty() && given_.front().until <= now) given_.pop_front();
  }

  std::list<Given> given_;  // in order of time
};

// 64 hexadecimal digits.
std::string randomToken();
// In a time that does not tell how much of them agrees.
bool sameToken(std::string_view a, std::string_view b);

template <typename Offer>
std::optional<std::string> Tokens<Offer>::give(Offer offer, kj::TimePoint now) {
  forgetOld(now);
  if (given_.size() >= limits::tokens) return std::nullopt;
  given_.push_back({randomToken(), now + limits::tokenLife, std::move(offer)});
  return given_.back().token;
}

template <typename Offer>
std::optional<Offer> Tokens<Offer>::take(std::string_view token, kj::TimePoint now) {
  forgetOld(now);
  for (auto given = given_.begin(); given != given_.end(); ++given) {
    if (!sameToken(given->token, token)) continue;
    Offer offer = std::move(given->offer);
    given_.erase(given);
    return offer;
  }
  return std::nullopt;
}

}  // namespace bulkhead::streaming
