// Ear: one stream's copy for one attached client.
#pragma once

#include <kj/async-unix.h>

#include <string>
#include <string_view>

#include "daemons/common/base/fd.h"

namespace bulkhead::shim {

class Ear {
 public:
  // `socket` is a stream socket, borrowed with its observer.
  Ear(const Fd& socket, kj::UnixEventPort::FdObserver& observer) : socket_(socket), observer_(observer) {}

  // What the socket does not take now waits. False if too much would, or nobody is there any more.
  [[nodiscard]] bool hear(std::string_view bytes);
  // Little enough waits; what may come before that is asked again is a pump's turn.
  [[nodiscard]] bool hasRoom() const;
  // No more will come: the socket is shut down behind the last byte.
  void finish();

 private:
  bool flush();
  kj::Promise<void> drain();

  const Fd& socket_;
  kj::UnixEventPort::FdObserver& observer_;
  std::string waiting_;
  bool finished_ = false;
  bool broken_ = false;
  kj::Promise<void> draining_ = nullptr;
};

}  // namespace bulkhead::shim
