// Audience: everybody who is attached to the container.
#pragma once

#include <kj/async-unix.h>

#include <list>

#include "daemons/shim/monitor/attached-client.h"

namespace bulkhead::shim {

class Audience final : private kj::TaskSet::ErrorHandler {
 public:
  // `input`: a pipe's write end, a terminal's master, or what swallows everything.
  Audience(kj::UnixEventPort& port, kj::Timer& timer, Fd input)
      : port_(port), timer_(timer), input_(port, std::move(input)), tasks_(*this) {}

  // As AttachedClient. False if there are too many already.
  bool attach(AttachedClient::Sockets sockets, bool endsInput);
  void hear(Stream stream, std::string_view bytes);
  // Does everybody keep up? Whoever does not is waited for a moment, and then cut off: the container, whose
  // output waits meanwhile, is not held up by one who stalls.
  bool keepsUp();
  kj::Promise<void> aMoment();
  // Resolves when nobody is attached.
  kj::Promise<void> whenEmpty() { return tasks_.onEmpty(); }
  // The container has ended, and everything it said was heard.
  void finish();
  ContainerInput& input() { return input_; }

 private:
  void leave(const AttachedClient& client);
  void taskFailed(kj::Exception&& exception) override;

  kj::UnixEventPort& port_;
  kj::Timer& timer_;
  ContainerInput input_;
  std::list<AttachedClient> clients_;
  bool finished_ = false;
  kj::TaskSet tasks_;  // last: they use the rest
};

}  // namespace bulkhead::shim
