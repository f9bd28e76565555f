// ExecEndpoint: the command of an Exec without a terminal, as a streaming session sees it: our pipes, the
// launcher's exec.
#pragma once

#include <string>
#include <vector>

#include "daemons/cri-frontend/frontend.h"
#include "daemons/cri-frontend/streaming/endpoint.h"

namespace bulkhead::cri {

// What is told of an exec's end.
Answer<int> exitCodeOf(Answer<ExecResult> running);

class ExecEndpoint final : public streaming::Endpoint {
 public:
  // Starts it. Without input its stdin is /dev/null. Dropping this, or the promise of ended(), kills what it
  // started in its process group: the launcher sees us hang up.
  ExecEndpoint(Frontend& frontend, const ContainerId& container, const std::vector<std::string>& command,
               bool withInput);

  streaming::Descriptors takeDescriptors() override { return std::move(ours_); }
  void resize(uint16_t, uint16_t) override {}
  Answer<int> ended() override;

 private:
  streaming::Descriptors ours_;
  Answer<ExecResult> running_;
};

}  // namespace bulkhead::cri
