// AttachedClient: one who attached. Hears what the container says from then on, and may talk to it.
#pragma once

#include <kj/async-unix.h>
#include <kj/timer.h>

#include <string_view>

#include "daemons/common/base/fd.h"
#include "daemons/shim/monitor/container-input.h"
#include "daemons/shim/monitor/ear.h"
#include "daemons/shim/monitor/log-writer.h"

namespace bulkhead::shim {

class AttachedClient {
 public:
  // Stream sockets, any of which may be invalid. `input` outlives this.
  struct Sockets {
    Fd in, out, err;
  };
  AttachedClient(kj::UnixEventPort& port, Sockets sockets, ContainerInput& input, bool endsInput);

  // Until the client goes or reads too slowly. Call it once.
  kj::Promise<void> run();
  void hear(Stream stream, std::string_view bytes);
  // Little waits for it. When that has not been so for longer than `patience`, it is cut off, and is in
  // nobody's way any more.
  bool keepsUp(kj::TimePoint now, kj::Duration patience);
  // No more will come.
  void finish();

 private:
  using Observer = kj::UnixEventPort::FdObserver;
  // One output: its copy, and the news that nobody reads it any more, which is told once.
  struct Output {
    Output(kj::UnixEventPort& port, const Fd& socket)
        : observer(port, socket.get(), Observer::OBSERVE_WRITE),
          ear(socket, observer),
          closed(observer.whenWriteDisconnected()) {}
    Observer observer;
    Ear ear;
    kj::Promise<void> closed;
  };
  [[nodiscard]] bool hasRoom() const;
  void cutOff();
  enum class Taken { nothing, some, end };
  Taken takePiece();
  void takeLastWords();
  kj::Promise<void> listen();
  kj::Promise<void> inputEnded();

  Sockets sockets_;
  ContainerInput& input_;
  bool endsInput_;
  bool cutOff_ = false;
  kj::Maybe<kj::TimePoint> slowSince_;
  kj::Maybe<Observer> inObserver_;
  kj::Maybe<Output> outputs_[2];  // by stream
  kj::PromiseFulfillerPair<void> left_ = kj::newPromiseAndFulfiller<void>();
};

}  // namespace bulkhead::shim
