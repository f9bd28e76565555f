// What attached clients type, on its way to the container's stdin or terminal.
#pragma once

#include <kj/async-unix.h>

#include <string>
#include <string_view>

#include "daemons/common/base/fd.h"

namespace bulkhead::shim {

class ContainerInput {
 public:
  // `end` is a pipe's write end or a terminal's master; anything else (the container has no stdin) swallows
  // what it gets.
  ContainerInput(kj::UnixEventPort& port, Fd end);

  // Resolves when there is room for write(); all who wait do so at once, so each looks again with hasRoom().
  kj::Promise<void> whenRoom();
  [[nodiscard]] bool hasRoom() const { return pending_.empty(); }
  // What the container does not take now waits here: no more than was written while there was room.
  void write(std::string_view bytes);
  // The container reads an end of file behind what was written. A terminal has no such end.
  void close();
  // Refuses (false) without a terminal.
  bool resize(unsigned short width, unsigned short height);

 private:
  kj::Promise<void> drain();
  void flush();

  Fd end_;
  bool terminal_;
  bool closing_ = false;
  std::string pending_;
  kj::Maybe<kj::UnixEventPort::FdObserver> observer_;
  kj::ForkedPromise<void> draining_;
};

}  // namespace bulkhead::shim
