// Work that must happen and that nobody waits for: undo of failed flows, removal of orphans. Each piece is
// repeated with growing pauses until it neither is refused nor breaks; what a crash interrupts, reconcile
// queues again.
#pragma once

#include <kj/async.h>
#include <kj/timer.h>

#include <functional>
#include <memory>
#include <string>

#include "daemons/cri-frontend/answer.h"

namespace bulkhead::cri {

class Background final : private kj::TaskSet::ErrorHandler {
 public:
  explicit Background(kj::Timer& timer) : timer_(timer), tasks_(*this) {}

  // `what` names the work in the log: "undo pod". `work` is called again after a refusal or an exception.
  // Resolves after the first try, however that ended; nobody needs to wait for it.
  kj::Promise<void> add(std::string what, std::string id, std::function<Answer<void>()> work);
  // Resolves once nothing is left to do (tests).
  kj::Promise<void> onEmpty() { return tasks_.onEmpty(); }

 private:
  struct Job {
    std::string what;
    std::string id;
    std::function<Answer<void>()> work;
  };
  kj::Promise<void> repeat(std::shared_ptr<const Job> job, const Outcome<void>& outcome, kj::Duration pause);
  void taskFailed(kj::Exception&& exception) override;

  kj::Timer& timer_;
  kj::TaskSet tasks_;
};

}  // namespace bulkhead::cri
