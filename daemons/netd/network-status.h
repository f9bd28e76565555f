// NetworkStatus: whether pods can be given a network now, as far as netd can see and as the plugins say
// (STATUS).
#pragma once

#include <kj/async.h>

#include <chrono>

#include "daemons/netd/readiness.h"
#include "daemons/netd/tools.h"

namespace bulkhead::netd {

class NetworkStatus {
 public:
  NetworkStatus(const Tools& tools, ConflistDirectory& configuration)
      : tools_(tools), configuration_(configuration) {}

  // What the files say, at once; and for networks of version 1.1.0 and later what their plugins say, asked at
  // most every few seconds, by all callers together, who wait for a second at most and then hear what was
  // last known. A plugin that was fine a moment ago and is not now is forgiven for a while: its upgrade does
  // not make the node unready.
  kj::Promise<Readiness> now();

 private:
  using Clock = std::chrono::steady_clock;

  void ask(const Conflist& conflist);
  Readiness judge(Outcome<void> said, unsigned generation);
  kj::Promise<Readiness> soon();
  [[nodiscard]] bool wasGoodLately() const;

  const Tools& tools_;
  ConflistDirectory& configuration_;
  unsigned generation_ = 0;     // of the configuration that the rest is about
  Clock::time_point goodAt_{};  // when the plugins last said yes
  Readiness last_;              // what they said, or that they have not yet
  bool asking_ = false;
  kj::Maybe<kj::ForkedPromise<Readiness>> asked_;  // of the question that is under way, or the last one
};

}  // namespace bulkhead::netd
