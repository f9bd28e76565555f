#include "daemons/netd/garbage-collection.h"

#include "daemons/common/base/log.h"
#include "daemons/netd/network-chain.h"
#include "ipc/scrub.h"

namespace bulkhead::netd {
namespace {

constexpr auto period = 5 * kj::MINUTES;
// While there is no network yet, and while pods come and go: neither is kept waiting for a GC.
constexpr auto soon = 10 * kj::SECONDS;
constexpr auto gap = 500 * kj::MILLISECONDS;

}  // namespace

kj::Promise<void> GarbageCollection::run() {
  return kj::evalNow([this]() { return round(); })
      .then([this](kj::Duration wait) { return tools_.timer.afterDelay(wait); })
      .then([this]() { return run(); });
}

kj::Promise<kj::Duration> GarbageCollection::round() {
  const auto& conflist = configuration_.current();
  if (!conflist) return soon;
  if (!conflist->speaks("1.1.0") || conflist->disableGc) return period;
  KJ_IF_MAYBE (alone, tools_.runner.gate().tryAlone()) return collect(*conflist).attach(kj::mv(*alone));
  return gap;
}

kj::Promise<kj::Duration> GarbageCollection::collect(const Conflist& conflist) {
  auto asked = kj::evalNow([&]() {
    return NetworkChain::collect(tools_.runner, conflist, attachments_.podsOf(conflist.name),
                                 tools_.settings.collectTimeout);
  });
  auto broke = [](kj::Exception&& broken) -> Outcome<void> {
    return tl::unexpected(ipc::refusalFrom("the CNI runner", broken));
  };
  return asked.catch_(kj::mv(broke)).then([](Outcome<void>&& done) {
    if (!done) log::warning("CNI GC failed", {{"reason", describe(done.error())}});
    return period;
  });
}

}  // namespace bulkhead::netd
