// Turnstile: at most so many at once, in the order of asking. Belongs to the event loop's thread.
#pragma once

#include <kj/async.h>

#include <deque>
#include <memory>

namespace bulkhead::storaged {

class Turnstile {
  struct State;

 public:
  // One of the places, given back when it dies; it may outlive the turnstile.
  class Place {
   public:
    Place() = default;
    explicit Place(std::shared_ptr<State> state) : state_(std::move(state)) {}
    Place(Place&& other) noexcept = default;
    Place& operator=(Place&& other) noexcept;
    ~Place() noexcept(false) { release(); }

   private:
    void release();
    std::shared_ptr<State> state_;
  };

  explicit Turnstile(size_t places);

  // Resolves when it is the caller's turn. Dropped before: the next one's.
  kj::Promise<Place> take();

 private:
  struct State {
    size_t free;
    std::deque<kj::Own<kj::PromiseFulfiller<Place>>> waiting;
  };
  std::shared_ptr<State> state_;
};

}  // namespace bulkhead::storaged
