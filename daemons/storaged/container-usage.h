// How much the writable layers hold: counted by measure workers in the background, never while somebody
// waits.
#pragma once

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

 private:
  void refresh();
  kj::Promise<void> measureNext();

  Parts& parts_;
  std::map<ContainerId, Size> counts_;
  std::vector<ContainerId> queue_;
  kj::TimePoint measuredAt_ = kj::origin<kj::TimePoint>();
  bool measuring_ = false;
  kj::Promise<void> measurer_ = nullptr;
};

}  // namespace bulkhead::storaged
