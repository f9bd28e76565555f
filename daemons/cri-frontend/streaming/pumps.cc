#include "daemons/cri-frontend/streaming/pumps.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "daemons/common/base/descriptors.h"
#include "daemons/cri-frontend/streaming/limits.h"

namespace bulkhead::streaming {

using Observer = kj::UnixEventPort::FdObserver;

void Inlet::put(std::string_view bytes) {
  if (abandoned_ || ended_) return taken_(bytes.size());
  held_ += bytes;
  changed_.fire();
}

void Inlet::end() {
  ended_ = true;
  changed_.fire();
}

void Inlet::abandon() {
  abandoned_ = true;
  drop(held_.size());
  changed_.fire();
}

void Inlet::drop(size_t bytes) {
  held_.erase(0, bytes);
  if (bytes > 0) taken_(bytes);
}

kj::Promise<void> Inlet::run(EventLoop loop, Fd fd) {
  fd_ = nonBlocking(std::move(fd));
  observer_ = kj::heap<Observer>(loop.port, fd_.get(), Observer::OBSERVE_WRITE);
  return carry();
}

kj::Promise<void> Inlet::carry() {
  if (abandoned_ || (ended_ && held_.empty())) {
    observer_ = nullptr;
    (void)::shutdown(fd_.get(), SHUT_WR);  // of a socket that somebody else still reads from
    fd_.reset();
    return kj::READY_NOW;
  }
  if (held_.empty()) return changed_.next().then([this]() { return carry(); });
  ssize_t n = ::write(fd_.get(), held_.data(), std::min(held_.size(), limits::oneRead));
  if (n < 0 && errno == EAGAIN) {
    auto either = observer_->whenBecomesWritable().exclusiveJoin(changed_.next());
    return either.then([this]() { return carry(); });
  }
  if (n >= 0) {
    drop(static_cast<size_t>(n));
  } else if (errno != EINTR) {
    abandon();
  }
  return kj::evalLater([this]() { return carry(); });
}

Outlet::Outlet(EventLoop loop, Fd fd, bool isTerminal, Sink sink)
    : loop_(loop),
      fd_(nonBlocking(std::move(fd))),
      isTerminal_(isTerminal),
      sink_(std::move(sink)),
      observer_(loop.port, fd_.get(), Observer::OBSERVE_READ) {}

void Outlet::commandEnded() {
  ended_ = true;
  changed_.fire();
}

Outlet::Got Outlet::readSome(size_t room) {
  std::array<char, limits::oneRead> buffer;
  ssize_t n = 0;
  while ((n = ::read(fd_.get(), buffer.data(), std::min(room, buffer.size()))) < 0 && errno == EINTR) {
  }
  if (n < 0 && errno == EAGAIN) return Got::nothingYet;
  if (n <= 0) return Got::end;  // of a terminal: EIO
  if (ended_) afterEnd_ += static_cast<size_t>(n);
  sink_.send({buffer.data(), static_cast<size_t>(n)});
  return Got::data;
}

kj::Promise<void> Outlet::run() {
  auto room = sink_.room();
  if (room && *room == 0) return changed_.next().then([this]() { return run(); });
  switch (readSome(room.value_or(limits::oneRead))) {
    case Got::end:
      return kj::READY_NOW;
    case Got::data:
      if (afterEnd_ >= limits::lastWords) return kj::READY_NOW;
      return kj::evalLater([this]() { return run(); });
    case Got::nothingYet:
      break;
  }
  return waitForMore();
}

kj::Promise<void> Outlet::waitForMore() {
  auto readable = observer_.whenBecomesReadable();
  if (!ended_) return readable.exclusiveJoin(changed_.next()).then([this]() { return run(); });
  if (!isTerminal_) return kj::READY_NOW;
  // True: nothing more came.
  auto more = readable.then([]() { return false; });
  auto quiet = loop_.timer.afterDelay(limits::terminalQuiet).then([]() { return true; });
  return more.exclusiveJoin(kj::mv(quiet)).then([this](bool isOver) -> kj::Promise<void> {
    if (isOver) return kj::READY_NOW;
    return run();
  });
}

}  // namespace bulkhead::streaming
