#include "daemons/cri-frontend/flows/stop-container-flow.h"

#include <csignal>

#include "daemons/common/base/log.h"

namespace bulkhead::cri {
namespace {

// A process that does not die of SIGKILL sits in the kernel (state D); after these many seconds the caller is
// told.
constexpr int killTries = 10;
constexpr auto killPause = 1 * kj::SECONDS;

}  // namespace

Answer<void> StopContainerFlow::run(Frontend& frontend, ContainerRef container, kj::Duration grace) {
  auto flow = kj::heap<StopContainerFlow>(frontend, std::move(container));
  auto& self = *flow;
  if (!self.mayRun()) return good();
  if (grace <= 0 * kj::SECONDS) return self.killUntilGone(killTries).attach(kj::mv(flow));
  auto waited = self.askToStop().then([&self, grace](Outcome<void>&&) { return self.exitsWithin(grace); });
  return waited
      .then([&self](bool ended) -> Answer<void> { return ended ? good() : self.killUntilGone(killTries); })
      .attach(kj::mv(flow));
}

bool StopContainerFlow::mayRun() const {
  return container_->record.state() == record::Container::RUNNING || container_->starting;
}

Answer<void> StopContainerFlow::askToStop() {
  if (container_->stopSignalSent) return good();
  container_->stopSignalSent = true;  // now: another stop must not send it while this one is under way
  return frontend_.launcher.signalContainer(container_->id, container_->record.stop_signal(), false)
      .then([this](Outcome<void>&& outcome) {
        if (!outcome) container_->stopSignalSent = false;  // it has none: the next stop may try
        return std::move(outcome);
      });
}

Answer<void> StopContainerFlow::killUntilGone(int triesLeft) {
  if (triesLeft == 0) {
    log::warning("container survives SIGKILL", {{"container", container_->id.text()}});
    return refused<void>({Code::deadlineExceeded, "container_id", "the container does not end on SIGKILL"});
  }
  // A refusal ("not running") is as good as success: the exit notice decides.
  auto killed = frontend_.launcher.signalContainer(container_->id, SIGKILL, true);
  return killed.then([this](Outcome<void>&&) { return exitsWithin(killPause); })
      .then([this, triesLeft](bool ended) -> Answer<void> {
        return ended ? good() : killUntilGone(triesLeft - 1);
      });
}

kj::Promise<bool> StopContainerFlow::exitsWithin(kj::Duration limit) {
  auto exited = container_->exited.wait().then([]() { return true; });
  auto timedOut = frontend_.loop.timer.afterDelay(limit).then([]() { return false; });
  return exited.exclusiveJoin(kj::mv(timedOut));
}

}  // namespace bulkhead::cri
