// Wire: one client's connection on the event loop.
#pragma once

#include <kj/async-unix.h>

#include <optional>
#include <string>

#include "daemons/common/base/fd.h"
#include "daemons/cri-frontend/streaming/tls.h"

namespace bulkhead::streaming {

// What everything here runs on.
struct EventLoop {
  kj::UnixEventPort& port;
  kj::Timer& timer;
};

class Wire {
 public:
  // Takes a connected TCP socket (a test's may be AF_UNIX).
  Wire(kj::UnixEventPort& port, Fd socket, std::optional<TlsSession> tls = std::nullopt);

  // Before anything else: the handshake, if there is TLS. Rejects DISCONNECTED.
  kj::Promise<void> begin();

  // The next bytes; none: the client has closed or is gone. At most limits::oneRead.
  kj::Promise<std::string> read();
  // While nothing is being read: whether the client is gone, asked when something has changed. A client that
  // closes its side is gone: whoever waits for an answer keeps it open. A FIN behind bytes that we do not
  // read is not seen before them.
  kj::Promise<bool> gone();
  // All of them. Rejects DISCONNECTED.
  kj::Promise<void> write(std::string bytes);
  // Nothing more comes from us.
  void endWriting();

 private:
  struct Sending {
    std::string bytes;
    size_t done = 0;
  };
  kj::Promise<void> writeRest(Sending& sending);
  // recv(2) and send(2), through TLS if there is any.
  ssize_t receive(char* buffer, size_t size);
  ssize_t transmit(const char* bytes, size_t size);

  Fd socket_;
  std::optional<TlsSession> tls_;
  kj::UnixEventPort::FdObserver observer_;
};

}  // namespace bulkhead::streaming
