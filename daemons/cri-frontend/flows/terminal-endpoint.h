// TerminalEndpoint: the command of an Exec with a terminal, whose master the launcher sends.
#pragma once

#include <string>
#include <vector>

#include "daemons/cri-frontend/flows/exec-endpoint.h"
#include "daemons/cri-frontend/frontend.h"
#include "daemons/cri-frontend/streaming/endpoint.h"

namespace bulkhead::cri {

class TerminalEndpoint final : public streaming::Endpoint {
 public:
  // Starts the command; answers when its terminal is here, or why it does not run. Dropping the endpoint, or
  // the promise of ended(), kills what was started in its process group: the launcher sees us hang up.
  static Answer<kj::Own<streaming::Endpoint>> open(Frontend& frontend, const ContainerId& container,
                                                   const std::vector<std::string>& command);

  TerminalEndpoint(Fd master, Answer<ExecResult> running)
      : master_(std::move(master)), running_(kj::mv(running)) {}

  streaming::Descriptors takeDescriptors() override;
  void resize(uint16_t width, uint16_t height) override;
  Answer<int> ended() override { return exitCodeOf(kj::mv(running_)); }

 private:
  Fd master_;
  Answer<ExecResult> running_;
};

}  // namespace bulkhead::cri
