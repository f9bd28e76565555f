#include "daemons/shim/monitor/container-input.h"

#include <kj/debug.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>

#include "daemons/common/base/descriptors.h"

namespace bulkhead::shim {

ContainerInput::ContainerInput(kj::UnixEventPort& port, Fd end)
    : end_(std::move(end)),
      terminal_(end_ && ::isatty(end_.get()) == 1),
      draining_(kj::Promise<void>(kj::READY_NOW).fork()) {
  if (!terminal_ && !isPipe(end_.get())) {
    end_.reset();
    return;
  }
  setNonBlocking(end_.get());
  observer_.emplace(port, end_.get(), kj::UnixEventPort::FdObserver::OBSERVE_WRITE);
}

kj::Promise<void> ContainerInput::whenRoom() {
  return draining_.addBranch();
}

void ContainerInput::write(std::string_view bytes) {
  if (!end_ || closing_) return;
  pending_.append(bytes);
  flush();
  if (!pending_.empty()) draining_ = drain().fork();
}

void ContainerInput::close() {
  if (terminal_) return;
  closing_ = true;
  flush();
}

bool ContainerInput::resize(unsigned short width, unsigned short height) {
  winsize size{};
  size.ws_col = width;
  size.ws_row = height;
  return terminal_ && ::ioctl(end_.get(), TIOCSWINSZ, &size) == 0;
}

kj::Promise<void> ContainerInput::drain() {
  auto writable = KJ_ASSERT_NONNULL(observer_).whenBecomesWritable();
  return writable.then([this]() -> kj::Promise<void> {
    flush();
    if (pending_.empty()) return kj::READY_NOW;
    return drain();
  });
}

// A container that has closed its stdin wants nothing of what is left.
void ContainerInput::flush() {
  while (end_ && !pending_.empty()) {
    ssize_t size = ::write(end_.get(), pending_.data(), pending_.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return;
    pending_.erase(0, size < 0 ? pending_.size() : static_cast<size_t>(size));
  }
  if (!closing_) return;
  observer_ = nullptr;
  end_.reset();
}

}  // namespace bulkhead::shim
