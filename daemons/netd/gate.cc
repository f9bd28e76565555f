#include "daemons/netd/gate.h"

#include <utility>

namespace bulkhead::netd {

kj::Promise<kj::Own<Gate::Pass>> Gate::enter() {
  if (!alone_) {
    ++inside_;
    return kj::heap<Pass>(*this, false);
  }
  auto paf = kj::newPromiseAndFulfiller<void>();
  waiting_.push_back(kj::mv(paf.fulfiller));
  return paf.promise.then([this]() { return enter(); });
}

kj::Maybe<kj::Own<Gate::Pass>> Gate::tryAlone() {
  if (!isIdle()) return nullptr;
  alone_ = true;
  return kj::heap<Pass>(*this, true);
}

void Gate::leave(bool alone) {
  if (!alone) {
    --inside_;
    return;
  }
  alone_ = false;
  for (auto& next : std::exchange(waiting_, {})) next->fulfill();
}

}  // namespace bulkhead::netd
