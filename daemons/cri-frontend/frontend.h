// Frontend: what every call and flow works with. One per process, made by main (or a test) and passed down.
#pragma once

#include <kj/async-io.h>
#include <kj/async-unix.h>

#include <string>

#include "daemons/common/base/layout.h"
#include "daemons/cri-frontend/background.h"
#include "daemons/cri-frontend/container-watch.h"
#include "daemons/cri-frontend/event-hub.h"
#include "daemons/cri-frontend/in-flight.h"
#include "daemons/cri-frontend/peers/imaged-client.h"
#include "daemons/cri-frontend/peers/launcher-client.h"
#include "daemons/cri-frontend/peers/netd-client.h"
#include "daemons/cri-frontend/peers/storaged-client.h"
#include "daemons/cri-frontend/pod-watch.h"
#include "daemons/cri-frontend/pull-board.h"
#include "daemons/cri-frontend/records/container-table.h"
#include "daemons/cri-frontend/records/pod-table.h"
#include "daemons/cri-frontend/records/record-store.h"
#include "daemons/cri-frontend/settings.h"
#include "daemons/cri-frontend/stats/stats-reader.h"

namespace bulkhead::streaming {
class Server;
}

namespace bulkhead::cri {

// The event loop's three faces.
struct Loop {
  kj::LowLevelAsyncIoProvider& io;
  kj::UnixEventPort& port;
  kj::Timer& timer;
};

struct Frontend {
  // Opens the record store. Throws if that cannot be used.
  Frontend(Loop eventLoop, const Layout& places, Settings configured)
      : loop(eventLoop),
        layout(places),
        settings(std::move(configured)),
        store(layout.criState()),
        pods(store),
        containers(store),
        events(pods, containers),
        launcher(loop.port, loop.timer, layout.launcherSocket()),
        netd(loop.io, loop.timer, layout.netdSocket()),
        storaged(loop.io, loop.timer, layout.storagedSocket()),
        imaged(loop.io, loop.timer, layout.imagedSocket()),
        background(loop.timer),
        watch(loop.io, loop.timer, layout.shimDirectory(), launcher, containers),
        podWatch(loop.io, layout.shimDirectory(), pods) {}

  Loop loop;
  const Layout layout;
  const Settings settings;

  RecordStore store;
  PodTable pods;
  ContainerTable containers;
  EventHub events;

  LauncherClient launcher;
  NetdClient netd;
  StoragedClient storaged;
  ImagedClient imaged;
  StatsReader stats;
  PullBoard pulls;
  streaming::Server* streaming = nullptr;  // main's; null until it listens
  std::string runtimeVersion;              // of the default handler's OCI runtime, once it has answered

  // Running operations; last, so that they die first. A flow that dies unfinished queues its undo, so
  // `background` must outlive them.
  Background background;
  InFlight<Outcome<PodId>> podCreations;
  InFlight<Outcome<ContainerId>> containerCreations;
  WhileWanted<Outcome<ImageId>> imagePulls;
  InFlight<Outcome<void>> podEnds;        // stop and remove, by pod id
  InFlight<Outcome<void>> containerEnds;  // remove, by container id
  ContainerWatch watch;
  PodWatch podWatch;
};

}  // namespace bulkhead::cri
