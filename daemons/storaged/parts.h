// What storaged's main is made of, passed by reference to the flows that need it; everything here outlives
// them.
#pragma once

#include <kj/async.h>
#include <kj/timer.h>

#include "daemons/storaged/drivers/driver.h"
#include "daemons/storaged/index-writer.h"
#include "daemons/storaged/layer-garbage.h"
#include "daemons/storaged/off-loop.h"
#include "daemons/storaged/pull-limits.h"
#include "daemons/storaged/store.h"
#include "daemons/storaged/trash.h"
#include "daemons/storaged/turnstile.h"
#include "daemons/storaged/zygote-client.h"

namespace bulkhead::storaged {

class LayersComingIn;

struct Parts {
  Store& store;
  const Index& index;
  IndexWriter& writes;
  ZygoteClient& zygote;
  OffLoop& offLoop;
  kj::Timer& timer;
  Trash& trash;
  LayerGarbage& garbage;
  LayersComingIn& comingIn;
  Turnstile& layerTurns;    // whose workers run, of all images
  Turnstile& commitTurn;    // which image is made permanent
  kj::TaskSet& background;  // what goes on after its caller left
  PullLimits limits;
  Driver driver;
};

}  // namespace bulkhead::storaged
