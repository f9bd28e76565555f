// How much the writable layers hold: counted by measure workers in the background. Only for a container that
// was never counted somebody waits, and not for long.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "daemons/storaged/parts.h"

namespace bulkhead::storaged {

class ContainerUsage {
 public:
  explicit ContainerUsage(Parts& parts) : parts_(parts) {}

  // The sum of the last counts. If they are older than ten seconds, a new count starts, one container after
  // another.
  Size total();

  struct Count {
    Size size;
    std::int64_t at = 0;  // nanoseconds, wall clock
  };
  // The last count of each container that is still there, and the same refresh. One that takes longer than
  // half a second to be counted for the first time is left out.
  kj::Promise<std::map<ContainerId, Count>> each();

 private:
  using Waiting = kj::Own<kj::PromiseFulfiller<void>>;

  void refresh();
  void start();
  kj::Promise<void> measureNext();
  kj::Promise<void> newcomersCounted();
  void tried(const ContainerId& id);
  std::map<ContainerId, Count> present();

  Parts& parts_;
  std::map<ContainerId, Count> counts_;
  std::vector<ContainerId> queue_;                          // the last is the next
  std::set<ContainerId> newcomers_;                         // of these, never tried
  std::vector<Waiting> waiting_;                            // for the last of them
  kj::TimePoint measuredAt_ = kj::origin<kj::TimePoint>();  // all of them
  bool measuring_ = false, all_ = false;
  kj::Promise<void> measurer_ = nullptr;
};

}  // namespace bulkhead::storaged
