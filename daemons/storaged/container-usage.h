// How much the writable layers hold: counted by measure workers in the background, never while somebody
// waits.
#pragma once

#include <cstdint>
#include <map>
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
  // The last count of each container that is still there, and the same refresh.
  std::map<ContainerId, Count> each();

 private:
  void refresh();
  kj::Promise<void> measureNext();

  Parts& parts_;
  std::map<ContainerId, Count> counts_;
  std::vector<ContainerId> queue_;
  kj::TimePoint measuredAt_ = kj::origin<kj::TimePoint>();
  bool measuring_ = false;
  kj::Promise<void> measurer_ = nullptr;
};

}  // namespace bulkhead::storaged
