// The gRPC services on one server that listens nowhere: connections are handed to it one by one.
#pragma once

#include <memory>

#include "daemons/common/base/fd.h"
#include "daemons/cri-frontend/frontend.h"

namespace bulkhead::cri {

class CriServices {
 public:
  // On the loop's thread, after confinement: gRPC starts threads here.
  explicit CriServices(Frontend& frontend);
  ~CriServices();

  // Serves RuntimeService, ImageService and Admin on a connected stream socket until its peer closes it.
  void serve(Fd connection);
  // Accepts on `listener` for as long as the process lives; rejects only if the listener itself breaks.
  kj::Promise<void> accept(Fd listener);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bulkhead::cri
