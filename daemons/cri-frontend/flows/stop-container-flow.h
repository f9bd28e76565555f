// StopContainer, a state machine without held locks: signal, wait for the exit, kill everything at the
// deadline. Each caller runs its own; the one with the shortest deadline ends the container for all of them.
#pragma once

#include "daemons/cri-frontend/frontend.h"

namespace bulkhead::cri {

class StopContainerFlow {
 public:
  // `grace` between the stop signal and SIGKILL; zero is SIGKILL at once. A container that does not run is a
  // success.
  static Answer<void> run(Frontend& frontend, ContainerRef container, kj::Duration grace);

  StopContainerFlow(Frontend& frontend, ContainerRef container)
      : frontend_(frontend), container_(std::move(container)) {}

 private:
  Answer<void> askToStop();
  Answer<void> killUntilGone(int triesLeft);
  // True once it has ended, false after `limit`.
  kj::Promise<bool> exitsWithin(kj::Duration limit);
  [[nodiscard]] bool mayRun() const;

  Frontend& frontend_;
  ContainerRef container_;
};

}  // namespace bulkhead::cri
