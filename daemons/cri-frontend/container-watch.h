// ContainerWatch: learns of every running container's end from its shim, and where the shim is gone without a
// word, from the launcher.
#pragma once

#include <kj/async-io.h>
#include <kj/timer.h>

#include <string>

#include "daemons/cri-frontend/peers/launcher-client.h"
#include "daemons/cri-frontend/records/container-table.h"

namespace bulkhead::cri {

// Writes that it runs, since `startedAt` (0: unknown, and as good as now).
void recordRunning(ContainerTable& table, Container& container, int64_t startedAt);
// Writes what is known of a container's end and wakes who waits for it. Does nothing for one that has already
// ended.
void recordExit(ContainerTable& table, Container& container, const ExitFacts& exit);
// The same for one whose end nobody saw.
void recordLost(ContainerTable& table, Container& container);

class ContainerWatch final : private kj::TaskSet::ErrorHandler {
 public:
  ContainerWatch(kj::LowLevelAsyncIoProvider& io, kj::Timer& timer, std::string shimDirectory,
                 LauncherClient& launcher, ContainerTable& table);

  // Follows a running container until its end is recorded or it is no longer known.
  void begin(ContainerRef container);
  // Ends what a container's first process has left of it, where the kernel does not: in a PID namespace that
  // is not the container's own.
  void sweep(const ContainerRef& container);

 private:
  kj::Promise<void> follow(ContainerRef container);
  kj::Promise<bool> askShim(ContainerRef container);
  kj::Promise<bool> askLauncher(ContainerRef container);
  [[nodiscard]] bool isOver(const Container& container) const;
  void taskFailed(kj::Exception&& exception) override;

  kj::LowLevelAsyncIoProvider& io_;
  kj::Timer& timer_;
  std::string shimDirectory_;
  LauncherClient& launcher_;
  ContainerTable& table_;
  kj::TaskSet tasks_;
};

}  // namespace bulkhead::cri
