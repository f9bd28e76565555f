// ExitNotice: many may wait for one thing that happens once.
#pragma once

#include <kj/async.h>

#include <vector>

namespace bulkhead::cri {

class ExitNotice {
 public:
  // Resolves when notify() is or has been called.
  kj::Promise<void> wait() {
    if (given_) return kj::READY_NOW;
    std::erase_if(waiting_, [](auto& waiter) { return !waiter->isWaiting(); });
    auto pair = kj::newPromiseAndFulfiller<void>();
    waiting_.push_back(kj::mv(pair.fulfiller));
    return kj::mv(pair.promise);
  }

  void notify() {
    given_ = true;
    for (auto& waiter : waiting_) waiter->fulfill();
    waiting_.clear();
  }

 private:
  bool given_ = false;
  std::vector<kj::Own<kj::PromiseFulfiller<void>>> waiting_;
};

}  // namespace bulkhead::cri
