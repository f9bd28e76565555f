// UpdateContainerResources: the launcher's group first, then what our record and so the status says.
#pragma once

#include "daemons/cri-frontend/frontend.h"
#include "daemons/cri-frontend/peers/upkeep-client.h"
#include "daemons/cri-frontend/translate/container.h"

namespace bulkhead::cri {

class UpdateContainerFlow {
 public:
  static Answer<void> run(Frontend& frontend, ContainerRef container,
                          const ::runtime::v1::LinuxContainerResources& asked);

  UpdateContainerFlow(Frontend& frontend, ContainerRef container,
                      const ::runtime::v1::LinuxContainerResources& asked)
      : frontend_(frontend),
        peers_(frontend.loop.io, frontend.loop.port, frontend.loop.timer, frontend.layout),
        container_(std::move(container)),
        asked_(asked) {}

 private:
  Answer<void> change(ResourcePlan plan);
  void record();

  Frontend& frontend_;
  UpkeepClient peers_;
  ContainerRef container_;
  ::runtime::v1::LinuxContainerResources asked_;
};

}  // namespace bulkhead::cri
