#include "daemons/netd/restart.h"

#include "daemons/common/base/log.h"

namespace bulkhead::netd {

bool Restart::isDue() {
  if (!place_.moved() || !gate_.isIdle()) return false;
  log::info("the directory of the CNI configuration was replaced: netd starts anew");
  over_->fulfill();
  return true;
}

}  // namespace bulkhead::netd
