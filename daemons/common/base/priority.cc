#include "daemons/common/base/priority.h"

#include <sys/resource.h>

namespace bulkhead {

void answerBeforeOthers() {
  constexpr int ahead = -5;  // about three times the weight of others
  (void)::setpriority(PRIO_PROCESS, 0, ahead);
}

void workAsOthers() {
  (void)::setpriority(PRIO_PROCESS, 0, 0);
}

}  // namespace bulkhead
