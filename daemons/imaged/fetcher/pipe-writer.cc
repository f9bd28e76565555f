#include "daemons/imaged/fetcher/pipe-writer.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "daemons/common/base/descriptors.h"
#include "daemons/common/base/error.h"
#include "daemons/imaged/fetcher/http-client.h"

namespace bulkhead::fetcher {
namespace {

// Storage that takes nothing for so long is stuck; the pull ends and the kubelet tries again.
constexpr int longestWaitMs = 30 * 60 * 1000;
constexpr int roomyPipe = 1024 * 1024;  // /proc/sys/fs/pipe-max-size, as it comes

}  // namespace

PipeWriter::PipeWriter(Fd pipe, int control) : pipe_(nonBlocking(std::move(pipe))), control_(control) {
  (void)::fcntl(pipe_.get(), F_SETPIPE_SZ, roomyPipe);  // fewer turns between writer and reader, if we may
}

bool PipeWriter::write(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::write(pipe_.get(), bytes.data(), bytes.size());
    if (n >= 0) {
      bytes.remove_prefix(static_cast<size_t>(n));
    } else if (errno == EAGAIN) {
      if (!waitForRoom()) return false;
    } else if (errno == EPIPE) {
      return false;
    } else if (errno != EINTR) {
      throwErrno("write to the pipe");
    }
  }
  return true;
}

bool PipeWriter::waitForRoom() const {
  std::array<pollfd, 2> watched{{{pipe_.get(), POLLOUT, 0}, {control_, POLLIN, 0}}};
  int ready = 0;
  while ((ready = ::poll(watched.data(), watched.size(), longestWaitMs)) < 0) {
    if (errno != EINTR) throwErrno("poll");
  }
  if (watched[1].revents != 0) throw HungUp();
  return ready > 0;
}

}  // namespace bulkhead::fetcher
