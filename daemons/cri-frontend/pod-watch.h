// PodWatch: a pod whose containers share one PID namespace is no longer ready once the init of that has
// ended.
#pragma once

#include <kj/async-io.h>

#include <string>

#include "daemons/cri-frontend/records/pod-table.h"

namespace bulkhead::cri {

class PodWatch final : private kj::TaskSet::ErrorHandler {
 public:
  PodWatch(kj::LowLevelAsyncIoProvider& io, std::string shimDirectory, PodTable& table)
      : io_(io), shimDirectory_(std::move(shimDirectory)), table_(table), tasks_(*this) {}

  // Follows a ready pod until its init has ended; does nothing for one that has none.
  void begin(const PodRef& pod);

 private:
  // The init's socket, which it never reads: it closes with the process.
  kj::Promise<void> waitForInit(const Pod& pod);
  void note(Pod& pod);
  void taskFailed(kj::Exception&& exception) override;

  kj::LowLevelAsyncIoProvider& io_;
  std::string shimDirectory_;
  PodTable& table_;
  kj::TaskSet tasks_;
};

}  // namespace bulkhead::cri
