// Signal: a condition that loops wait for and look at again.
#pragma once

#include <kj/async.h>

#include <vector>

namespace bulkhead::streaming {

class Signal {
 public:
  kj::Promise<void> next() {
    std::erase_if(waiting_, [](auto& one) { return !one->isWaiting(); });
    auto pair = kj::newPromiseAndFulfiller<void>();
    waiting_.push_back(kj::mv(pair.fulfiller));
    return kj::mv(pair.promise);
  }
  void fire() {
    auto all = std::move(waiting_);
    waiting_.clear();
    for (auto& one : all) one->fulfill();
  }

 private:
  std::vector<kj::Own<kj::PromiseFulfiller<void>>> waiting_;
};

}  // namespace bulkhead::streaming
