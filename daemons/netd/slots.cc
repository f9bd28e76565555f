#include "daemons/netd/slots.h"

namespace bulkhead::netd {

kj::Promise<kj::Own<Slots::Slot>> Slots::take() {
  if (free_ > 0) {
    --free_;
    return kj::heap<Slot>(*this);
  }
  auto paf = kj::newPromiseAndFulfiller<kj::Own<Slot>>();
  waiting_.push_back(kj::mv(paf.fulfiller));
  return kj::mv(paf.promise);
}

void Slots::giveBack() {
  while (!waiting_.empty()) {
    auto next = kj::mv(waiting_.front());
    waiting_.pop_front();
    if (next->isWaiting()) return next->fulfill(kj::heap<Slot>(*this));
  }
  ++free_;
}

}  // namespace bulkhead::netd
