#include "daemons/storaged/turnstile.h"

#include <utility>

namespace bulkhead::storaged {

Turnstile::Turnstile(size_t places) : state_(std::make_shared<State>()) {
  state_->free = places;
}

kj::Promise<Turnstile::Place> Turnstile::take() {
  if (state_->free > 0) {
    --state_->free;
    return Place(state_);
  }
  auto pair = kj::newPromiseAndFulfiller<Place>();
  state_->waiting.push_back(kj::mv(pair.fulfiller));
  return kj::mv(pair.promise);
}

Turnstile::Place& Turnstile::Place::operator=(Place&& other) noexcept {
  if (this != &other) {
    release();
    state_ = std::exchange(other.state_, nullptr);
  }
  return *this;
}

void Turnstile::Place::release() {
  auto state = std::exchange(state_, nullptr);
  if (!state) return;
  while (!state->waiting.empty()) {
    auto next = kj::mv(state->waiting.front());
    state->waiting.pop_front();
    if (!next->isWaiting()) continue;
    next->fulfill(Place(state));
    return;
  }
  ++state->free;
}

}  // namespace bulkhead::storaged
