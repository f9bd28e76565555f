#include "daemons/netd/network-status.h"

#include "daemons/common/base/log.h"
#include "daemons/netd/network-chain.h"
#include "ipc/scrub.h"

namespace bulkhead::netd {
namespace {

using namespace std::chrono_literals;

// The kubelet asks every few seconds. A no is not kept: the next caller asks again.
constexpr auto yesLasts = 4s;
constexpr auto forgiven = 10s;
constexpr auto patience = 1 * kj::SECONDS;

constexpr const char* notReady = "NetworkPluginNotReady";
const Readiness ready{true, "", ""};
const Readiness unheard{false, notReady,
                        "the CNI plugins have not answered yet whether they are ready (STATUS)"};

}  // namespace

kj::Promise<Readiness> NetworkStatus::now() {
  auto seen = readinessOf(configuration_, tools_.settings.pluginDirectories);
  if (!seen.ready) return seen;
  const Conflist& conflist = *configuration_.current();
  if (!conflist.speaks("1.1.0")) return seen;
  if (generation_ != configuration_.generation()) {
    generation_ = configuration_.generation();
    goodAt_ = {};
    last_ = unheard;
    asking_ = false;
  }
  if (!asking_ && goodAt_ != Clock::time_point() && Clock::now() - goodAt_ < yesLasts) return seen;
  if (!asking_) ask(conflist);
  return soon();
}

// From what is known when the plugins take their time.
kj::Promise<Readiness> NetworkStatus::soon() {
  auto late = tools_.timer.afterDelay(patience).then([this]() { return wasGoodLately() ? ready : last_; });
  return KJ_ASSERT_NONNULL(asked_).addBranch().exclusiveJoin(kj::mv(late));
}

bool NetworkStatus::wasGoodLately() const {
  return goodAt_ != Clock::time_point() && Clock::now() - goodAt_ < forgiven;
}

void NetworkStatus::ask(const Conflist& conflist) {
  auto said = kj::evalNow(
      [&]() { return NetworkChain::status(tools_.runner, conflist, tools_.settings.statusTimeout); });
  auto broke = [](kj::Exception&& broken) -> Outcome<void> {
    return tl::unexpected(ipc::refusalFrom("the CNI runner", broken));
  };
  auto judged = said.catch_(kj::mv(broke)).then([this, generation = generation_](Outcome<void>&& outcome) {
    return judge(std::move(outcome), generation);
  });
  asking_ = true;
  asked_ = judged.eagerlyEvaluate(nullptr).fork();
}

// An answer about files that have changed meanwhile is for those who asked then.
Readiness NetworkStatus::judge(Outcome<void> said, unsigned generation) {
  bool current = generation == generation_;
  if (current) asking_ = false;
  if (current && said) goodAt_ = Clock::now();
  if (said) return ready;
  Readiness no{false, notReady, describe(said.error())};
  if (current) last_ = no;
  bool lately = current && wasGoodLately();
  log::warning("CNI STATUS failed", {{"reason", no.message}, {"forgiven", lately ? "yes" : "no"}});
  return lately ? ready : no;
}

}  // namespace bulkhead::netd
