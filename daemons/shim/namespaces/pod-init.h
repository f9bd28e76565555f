// The first process of a PID namespace that a pod's containers share: bulkhead-pause, which adopts and reaps.
// When it ends the kernel ends every process of the namespace.
#pragma once

#include "daemons/common/base/io.h"
#include "daemons/shim/namespaces/pod-namespaces.h"

namespace bulkhead::namespaces {

// One that is being born: it waits at a gate and ends when that closes unopened, so that a launcher that dies
// half-way leaves none behind.
class PodInit {
 public:
  // Listens at `socket`, in the host's mount namespace. Throws SystemError.
  PodInit(const InitStart& start, const std::string& socket);

  // In the process whose namespaces it gets: takes the OOM killer's eye off it (needs /proc) …
  static void protect();
  // … and forks it, in a new PID namespace. Answers its pid as the caller sees it.
  pid_t fork();

  // In the parent, once it is recorded: lets it run.
  void release();

 private:
  [[noreturn]] void wait();

  const InitStart& start_;
  Fd listener_;
  Fd null_;
  Pipe gate_ = makePipe();
};

void recordInit(int podDirectory, pid_t pid);
bool initLives(int podDirectory);
// Kills it and waits until it is gone; none is fine.
void endInit(int podDirectory);

}  // namespace bulkhead::namespaces
