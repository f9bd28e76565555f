// Wire: one client's connection on the event loop.
#pragma once

#include <kj/async-unix.h>

#include <string>

#include "daemons/common/base/fd.h"

namespace bulkhead::streaming {

// What everything here runs on.
struct EventLoop {
  kj::UnixEventPort& port;
  kj::Timer& timer;
};

class Wire {
 public:
  // Takes a connected TCP socket (a test's may be AF_UNIX).
  Wire(kj::UnixEventPort& port, Fd socket);

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

  Fd socket_;
  kj::UnixEventPort::FdObserver observer_;
};

}  // namespace bulkhead::streaming
