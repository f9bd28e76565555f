// Trash: directories renamed out of the way at once and erased later, one erase worker at a time. What it
// does not get done is found again at the next start.
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
  Trash(Store& store, ZygoteClient& zygote, OffLoop& offLoop, kj::Timer& timer);

  // Renames and erases in the background. Absent is ok; a failure is logged and left for the next start.
  void discard(Store::Place place, const std::string& name);
  // Erases what already lies in trash/.
  void erase(const LayerName& name);
  // Resolves once nothing is left to erase; for tests.
  kj::Promise<void> whenEmpty();

 private:
  kj::Promise<void> eraseNext();

  Store& store_;
  ZygoteClient& zygote_;
  OffLoop& offLoop_;
  kj::Timer& timer_;
  std::deque<LayerName> queue_;
  bool erasing_ = false;
  kj::Promise<void> eraser_ = nullptr;
};

}  // namespace bulkhead::storaged
