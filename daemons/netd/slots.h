// Slots: how many of something may run at once; the rest waits in the order of asking.
#pragma once

#include <kj/async.h>

#include <cstddef>
#include <deque>

namespace bulkhead::netd {

class Slots {
 public:
  // Outlives what it gave out.
  explicit Slots(size_t count) : free_(count) {}

  // Given back by its destructor.
  class Slot {
   public:
    explicit Slot(Slots& owner) : owner_(owner) {}
    ~Slot() { owner_.giveBack(); }
    KJ_DISALLOW_COPY(Slot);

   private:
    Slots& owner_;
  };

  // Resolves when one is free. Whoever drops the promise has left the queue.
  kj::Promise<kj::Own<Slot>> take();

 private:
  void giveBack();

  size_t free_;
  std::deque<kj::Own<kj::PromiseFulfiller<kj::Own<Slot>>>> waiting_;
};

}  // namespace bulkhead::netd
