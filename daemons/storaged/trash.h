// Trash: directories renamed out of the way at once and erased later, one erase worker at a time. What fails
// is tried again after a pause; what is left at the end is found again at the next start.
#pragma once

#include <kj/async.h>
#include <kj/timer.h>

#include <deque>

#include "daemons/storaged/off-loop.h"
#include "daemons/storaged/store.h"
#include "daemons/storaged/zygote-client.h"

namespace bulkhead::storaged {

class Trash {
 public:
  // `pause`: before the first repetition.
  Trash(Store& store, ZygoteClient& zygote, OffLoop& offLoop, kj::Timer& timer,
        kj::Duration pause = 10 * kj::SECONDS);

  // Renames and erases in the background. Absent is ok; a rename that fails is logged and left for the next
  // start.
  void discard(Store::Place place, const std::string& name);
  // Erases what already lies in trash/.
  void erase(const LayerName& name);
  // Resolves once nothing is left to erase but what failed; for tests.
  kj::Promise<void> whenEmpty();

 private:
  kj::Promise<void> eraseNext();
  void failed(const LayerName& name, const std::string& reason);
  void again();

  Store& store_;
  ZygoteClient& zygote_;
  OffLoop& offLoop_;
  kj::Timer& timer_;
  kj::Duration shortestPause_;
  kj::Duration pause_;
  std::deque<LayerName> queue_;
  std::deque<LayerName> later_;
  bool erasing_ = false;
  kj::Promise<void> eraser_ = nullptr;
  kj::Promise<void> retry_ = nullptr;
};

}  // namespace bulkhead::storaged
