// Turns: at most so many at once, the others in the order in which they came.
#pragma once

#include <kj/async.h>

#include <deque>

namespace bulkhead::imaged {

class Turns {
 public:
  // Somebody's turn, as long as it lives.
  class Turn {
   public:
    explicit Turn(Turns& turns) : turns_(turns) {}
    ~Turn() noexcept(false) { turns_.end(); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    Turns& turns_;
  };

  explicit Turns(size_t atOnce) : free_(atOnce) {}

  // Dropping the promise gives up the place. This outlives promise and turn.
  kj::Promise<kj::Own<Turn>> take();

 private:
  void end();

  size_t free_;
  std::deque<kj::Own<kj::PromiseFulfiller<kj::Own<Turn>>>> waiting_;
};

}  // namespace bulkhead::imaged
