// Inlet and Outlet: between a command's descriptors and what a session holds of a stream, on the event loop.
#pragma once

#include <kj/async-unix.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "daemons/common/base/fd.h"
#include "daemons/cri-frontend/streaming/signal.h"
#include "daemons/cri-frontend/streaming/wire.h"

namespace bulkhead::streaming {

// Bytes for the command. Until it has a descriptor, they wait.
class Inlet {
 public:
  // `taken` is told of every byte that needs no more memory here.
  explicit Inlet(std::function<void(size_t)> taken) : taken_(std::move(taken)) {}

  void put(std::string_view bytes);
  void end();
  // Nobody reads them any more: those that are here and those that come are dropped.
  void abandon();
  [[nodiscard]] size_t held() const { return held_.size(); }

  // Carries all into `fd`, then closes it. Never rejects; may not end.
  kj::Promise<void> run(EventLoop loop, Fd fd);

 private:
  kj::Promise<void> carry();
  void drop(size_t bytes);

  std::function<void(size_t)> taken_;
  std::string held_;
  bool ended_ = false;
  bool abandoned_ = false;
  Signal changed_;
  Fd fd_;
  kj::Own<kj::UnixEventPort::FdObserver> observer_;
};

// Bytes of the command.
class Outlet {
 public:
  // Where they go. `room` says how many it takes now (nothing: any number, and drops them).
  struct Sink {
    std::function<std::optional<size_t>()> room;
    std::function<void(std::string_view)> send;
  };
  Outlet(EventLoop loop, Fd fd, bool isTerminal, Sink sink);

  // Until end of file, or, once the command has ended, until all that it wrote is through: somebody else may
  // hold the other end for ever. Never rejects.
  kj::Promise<void> run();
  // There may be room again.
  void wake() { changed_.fire(); }
  void commandEnded();

 private:
  enum class Got { data, nothingYet, end };
  Got readSome(size_t room);
  kj::Promise<void> waitForMore();

  EventLoop loop_;
  Fd fd_;
  const bool isTerminal_;
  Sink sink_;
  bool ended_ = false;
  size_t afterEnd_ = 0;
  Signal changed_;
  kj::UnixEventPort::FdObserver observer_;
};

}  // namespace bulkhead::streaming
