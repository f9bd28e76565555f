// ReopenContainerLog: the launcher opens the file, the shim goes over to it. Takes no turn behind anything
// else, so it works while the container is being stopped.
#pragma once

#include "daemons/cri-frontend/frontend.h"
#include "daemons/cri-frontend/peers/upkeep-client.h"

namespace bulkhead::cri {

class ReopenLogFlow {
 public:
  static Answer<void> run(Frontend& frontend, const ContainerId& container);

  ReopenLogFlow(Frontend& frontend, const ContainerId& container)
      : peers_(frontend.loop.io, frontend.loop.port, frontend.loop.timer, frontend.layout),
        container_(container) {}

 private:
  Answer<void> askWhetherItCan();
  Answer<void> openFile();
  Answer<void> handOver();

  UpkeepClient peers_;
  ContainerId container_;
  Fd log_;
};

}  // namespace bulkhead::cri
