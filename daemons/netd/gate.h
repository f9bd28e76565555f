// Gate: many side by side, or one alone. ADD and DEL may run together, GC only while neither does (CNI
// specification 1.1, section 3, "Lifecycle & Ordering").
#pragma once

#include <kj/async.h>

#include <cstddef>
#include <vector>

namespace bulkhead::netd {

class Gate {
 public:
  // Outlives what it gave out. A pass is given back by its destructor.
  class Pass {
   public:
    Pass(Gate& owner, bool alone) : owner_(owner), alone_(alone) {}
    ~Pass() { owner_.leave(alone_); }
    KJ_DISALLOW_COPY(Pass);

   private:
    Gate& owner_;
    bool alone_;
  };

  // Resolves as soon as nobody is alone.
  kj::Promise<kj::Own<Pass>> enter();
  // Nothing while anybody is inside: whoever wants to be alone asks again later, and keeps no pod waiting.
  kj::Maybe<kj::Own<Pass>> tryAlone();
  [[nodiscard]] bool isIdle() const { return inside_ == 0 && !alone_; }

 private:
  void leave(bool alone);

  size_t inside_ = 0;
  bool alone_ = false;
  std::vector<kj::Own<kj::PromiseFulfiller<void>>> waiting_;
};

}  // namespace bulkhead::netd
