#include "daemons/imaged/turns.h"

namespace bulkhead::imaged {

kj::Promise<kj::Own<Turns::Turn>> Turns::take() {
  if (free_ > 0) {
    --free_;
    return kj::heap<Turn>(*this);
  }
  auto place = kj::newPromiseAndFulfiller<kj::Own<Turn>>();
  waiting_.push_back(kj::mv(place.fulfiller));
  return kj::mv(place.promise);
}

void Turns::end() {
  while (!waiting_.empty()) {
    auto next = kj::mv(waiting_.front());
    waiting_.pop_front();
    if (!next->isWaiting()) continue;  // it was dropped
    next->fulfill(kj::heap<Turn>(*this));
    return;
  }
  ++free_;
}

}  // namespace bulkhead::imaged
