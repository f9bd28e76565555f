// The gRPC services on one server that listens nowhere: connections are handed to it one by one.
#pragma once

#include <memory>

#include "daemons/common/base/fd.h"
#include "daemons/cri-frontend/frontend.h"

namespace bulkhead::cri {

class CriServices {
 public:
  // On the loop's thread, after confinement: gRPC starts threads here.
  CriServices(Frontend& frontend, kj::WaitScope& waitScope);
  // On the loop's thread, outside of its callbacks. The loop turns until every call has ended: what can be
  // cancelled is, and gRPC's threads may be waiting for the loop.
  ~CriServices();

  // Serves RuntimeService, ImageService and Admin on a connected stream socket until its peer closes it.
  void serve(Fd connection);
  // Accepts on `listener` for as long as the process lives; rejects only if the listener itself breaks.
  kj::Promise<void> accept(Fd listener);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  kj::WaitScope& waitScope_;
};

}  // namespace bulkhead::cri
