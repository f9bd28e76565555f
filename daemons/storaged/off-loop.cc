#include "daemons/storaged/off-loop.h"

namespace bulkhead::storaged {

OffLoop::~OffLoop() {
  reap(true);
}

void OffLoop::start(kj::Function<void()> job) {
  reap(false);
  Slot& slot = slots_.emplace_back(kj::mv(job));
  try {
    slot.thread = std::thread([&slot]() {
      {
        auto owned = kj::mv(slot.job);  // destroyed in this thread, before it counts as finished
        owned();
      }
      slot.finished = true;
    });
  } catch (...) {
    slots_.pop_back();  // which nobody would ever join
    throw;
  }
}

void OffLoop::reap(bool all) {
  for (auto slot = slots_.begin(); slot != slots_.end();) {
    if (!all && !slot->finished) {
      ++slot;
      continue;
    }
    slot->thread.join();
    slot = slots_.erase(slot);
  }
}

}  // namespace bulkhead::storaged
