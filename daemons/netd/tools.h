// What netd's flows work with: its helpers, its disk, its settings.
#pragma once

#include <kj/timer.h>

#include "daemons/netd/netns-client.h"
#include "daemons/netd/owed.h"
#include "daemons/netd/plugin-runner.h"
#include "daemons/netd/settings.h"

namespace bulkhead::netd {

struct Tools {
  NetnsClient& netns;
  PluginRunner& runner;
  OwedRecords& owed;
  kj::Timer& timer;
  const Settings& settings;
};

}  // namespace bulkhead::netd
