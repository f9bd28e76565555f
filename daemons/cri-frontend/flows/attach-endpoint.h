// AttachEndpoint: a container's own streams, as a streaming session sees them: socket pairs, to its shim.
#pragma once

#include "daemons/cri-frontend/frontend.h"
#include "daemons/cri-frontend/peers/upkeep-client.h"
#include "daemons/cri-frontend/streaming/endpoint.h"
#include "daemons/cri-frontend/streaming/remote-command.h"

namespace bulkhead::cri {

class AttachEndpoint final : public streaming::Endpoint {
 public:
  // Attaches to a container that runs. failedPrecondition if its shim is of a version that cannot.
  static Answer<kj::Own<streaming::Endpoint>> open(Frontend& frontend, ContainerRef container,
                                                   streaming::Wanted wanted);

  AttachEndpoint(Frontend& frontend, const ContainerId& container)
      : peers_(frontend.loop.io, frontend.loop.port, frontend.loop.timer, frontend.layout),
        container_(container) {}

  streaming::Descriptors takeDescriptors() override { return std::move(ours_); }
  void resize(uint16_t width, uint16_t height) override;
  // 0 when the container has ended: an attached client is not told how.
  Answer<int> ended() override;

 private:
  Answer<void> askWhetherItCan();
  Answer<void> attach(streaming::Wanted wanted, bool endsInput);

  UpkeepClient peers_;
  ContainerId container_;
  streaming::Descriptors ours_;
  Answer<void> resizing_ = nullptr;
};

}  // namespace bulkhead::cri
