// How cri calls its peers: an exception becomes a refusal, and a verb that may be repeated is tried once more
// when the peer restarted in the middle of it.
#pragma once

#include <kj/timer.h>

#include "daemons/cri-frontend/answer.h"
#include "ipc/convert.h"
#include "ipc/scrub.h"

namespace bulkhead::cri {

enum class Repeat { no, onceIfDisconnected };

// The supervisor keeps a daemon's listening socket across its restart, so that a connection made now waits in
// the backlog; the pause is for the old connection's end to be noticed.
inline constexpr auto restartPause = 250 * kj::MILLISECONDS;

// `peer` must be a literal. `attempt` makes an Answer<T>, and may throw.
template <typename T, typename Attempt>
Answer<T> callPeer(kj::Timer& timer, const char* peer, Repeat repeat, Attempt attempt) {
  auto first = kj::evalNow([&attempt]() -> Answer<T> { return attempt(); });
  auto second = [&timer, repeat, attempt = kj::mv(attempt)](kj::Exception&& exception) mutable -> Answer<T> {
    if (repeat == Repeat::no || exception.getType() != kj::Exception::Type::DISCONNECTED)
      return kj::mv(exception);
    return timer.afterDelay(restartPause).then([attempt = kj::mv(attempt)]() mutable -> Answer<T> {
      return attempt();
    });
  };
  return first.catch_(kj::mv(second)).catch_([peer](kj::Exception&& exception) {
    return Outcome<T>(tl::unexpected<Refusal>(ipc::refusalFrom(peer, exception)));
  });
}

// The `ok` of a Common.Result, or its refusal, as what `read` makes of it.
template <typename Result, typename Read>
auto readResult(Result result, Read read) -> Outcome<decltype(read(result.getOk()))> {
  if (result.isRefused()) return tl::unexpected<Refusal>(ipc::readRefusal(result.getRefused()));
  return read(result.getOk());
}
template <typename Result>
Outcome<void> readNothing(Result result) {
  if (result.isRefused()) return tl::unexpected<Refusal>(ipc::readRefusal(result.getRefused()));
  return {};
}

}  // namespace bulkhead::cri
