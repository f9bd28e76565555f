#include "daemons/shim/monitor/monitor.h"

#include "daemons/common/base/log.h"
#include "daemons/shim/monitor/oom-counter.h"

namespace bulkhead::shim {
namespace {

// A process outside the container's PID namespace may hold a pipe for ever.
constexpr auto drainLimit = 1 * kj::SECONDS;
// For a cri that is just connecting; afterwards the launcher answers from the record.
constexpr auto lastingTime = 2 * kj::SECONDS;
// For who is attached and has not heard all of it.
constexpr auto listeningTime = 5 * kj::SECONDS;
constexpr auto recordRetry = 200 * kj::MILLISECONDS;

}  // namespace

Monitor::Monitor(kj::AsyncIoContext& io, Inheritance inherited, pid_t pid)
    : io_(io),
      inherited_(std::move(inherited)),
      log_(std::move(inherited_.log)),
      audience_(io.unixEventPort, io.provider->getTimer(), std::move(inherited_.input)),
      out_(io.unixEventPort, std::move(inherited_.out), Stream::out, log_, audience_),
      err_(io.unixEventPort, std::move(inherited_.err), Stream::err, log_, audience_),
      reaper_(io.unixEventPort, pid),
      copying_(kj::joinPromises(kj::arr(out_.run(), err_.run()))),
      ended_(follow().fork()) {}

kj::Promise<void> Monitor::run() {
  auto& timer = io_.provider->getTimer();
  return ended_.addBranch()
      .then([&timer](Ending&&) { return timer.afterDelay(lastingTime); })
      .then([this, &timer] { return audience_.whenEmpty().exclusiveJoin(timer.afterDelay(listeningTime)); });
}

kj::Promise<Ending> Monitor::follow() {
  return reaper_.exitCode().then([this](int code) {
    Ending ending = endingOf(code);
    reaping_ = reaper_.reapOthers().eagerlyEvaluate(nullptr);
    return drain().then([this, ending] { return record(ending); }).then([ending] { return ending; });
  });
}

Ending Monitor::endingOf(int code) {
  // A first process that took it as a failure of its own says so with any code; one that went on to its good
  // end did not end of it.
  bool oom = code != 0 && countsOomKill(inherited_.oom.get());
  return {{code, oom, wallClock()}, readStarted(inherited_.started.get())};
}

kj::Promise<void> Monitor::drain() {
  auto limit = io_.provider->getTimer().afterDelay(drainLimit);
  return kj::mv(copying_).exclusiveJoin(kj::mv(limit)).then([this] {
    out_.finish();
    err_.finish();
    audience_.finish();
  });
}

// Nobody is told before it is written.
kj::Promise<void> Monitor::record(Ending ending) {
  if (writeExit(inherited_.exitRecord.get(), ending.record)) return kj::READY_NOW;
  log::error("exit record not written, trying again");
  return io_.provider->getTimer().afterDelay(recordRetry).then([this, ending] { return record(ending); });
}

}  // namespace bulkhead::shim
