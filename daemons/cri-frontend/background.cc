#include "daemons/cri-frontend/background.h"

#include "daemons/common/base/log.h"
#include "ipc/scrub.h"

namespace bulkhead::cri {
namespace {

constexpr auto firstPause = 1 * kj::SECONDS;
constexpr auto longestPause = 60 * kj::SECONDS;

// What breaks now, a full disk for example, may work later.
Answer<void> attempt(const std::function<Answer<void>()>& work) {
  return kj::evalNow([&work]() { return work(); }).catch_([](kj::Exception&& exception) -> Outcome<void> {
    return refuse(Code::internal, "", ipc::fullText(exception));
  });
}

}  // namespace

kj::Promise<void> Background::add(std::string what, std::string id, std::function<Answer<void>()> work) {
  auto job = std::make_shared<const Job>(Job{std::move(what), std::move(id), std::move(work)});
  // Later: this is also called by destructors.
  auto first = kj::evalLater([job]() { return attempt(job->work); }).fork();
  tasks_.add(first.addBranch().then(
      [this, job](Outcome<void>&& outcome) { return repeat(job, outcome, firstPause); }));
  return first.addBranch().then([](Outcome<void>&&) {}, [](kj::Exception&&) {});
}

kj::Promise<void> Background::repeat(std::shared_ptr<const Job> job, const Outcome<void>& outcome,
                                     kj::Duration pause) {
  if (outcome) return kj::READY_NOW;
  log::warning("will try again",
               {{"what", job->what}, {"id", job->id}, {"reason", describe(outcome.error())}});
  return timer_.afterDelay(pause)
      .then([job]() { return attempt(job->work); })
      .then([this, job, pause](Outcome<void>&& next) {
        return repeat(job, next, kj::min(pause * 2, longestPause));
      });
}

void Background::taskFailed(kj::Exception&& exception) {
  log::error("background work broke", {{"error", ipc::fullText(exception)}});
}

}  // namespace bulkhead::cri
