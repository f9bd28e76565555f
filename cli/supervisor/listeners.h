// The sockets of the supervisor: listeners that outlive a daemon's restart, and the one on which daemons say
// READY.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "cli/supervisor/daemons.h"
#include "daemons/common/base/fd.h"

namespace bulkhead::supervisor {

// Listens at `spec.path` with its owner and mode, in place of a stale socket. Throws SystemError. The
// directory may belong to the daemon itself: what it could put there instead of the socket is not followed
// and not chowned.
Fd makeListener(const SocketSpec& spec);

// Listens at an address and port, 0 for any that is free. Throws SystemError.
Fd makeListener(const InetSpec& spec);

// sd_notify(3): datagrams with "READY=1" from anyone; the kernel says from whom.
class NotifySocket {
 public:
  explicit NotifySocket(std::string path);

  [[nodiscard]] int fd() const { return socket_.get(); }
  [[nodiscard]] const std::string& path() const { return path_; }

  // The process that says it is ready, if the next datagram says so; `more` is false when there was none.
  std::optional<pid_t> receive(bool& more) const;

 private:
  std::string path_;
  Fd socket_;
};

}  // namespace bulkhead::supervisor
