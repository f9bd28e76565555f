// Cap'n Proto RPC connections with our limits: a listener that admits one peer, and a client that survives a
// restart of its server.
#pragma once

#include <capnp/capability.h>
#include <kj/async-io.h>
#include <kj/async-unix.h>

#include <functional>
#include <string>

#include "daemons/common/base/fd.h"
#include "ipc/peer.h"

namespace bulkhead::ipc {

// Accepts on an inherited listener for as long as it lives. Connections that `permitted` does not admit are
// closed before a byte is read. Each admitted connection gets its own bootstrap from `makeBootstrap`.
class RpcListener {
 public:
  RpcListener(kj::LowLevelAsyncIoProvider& io, Fd listener, PermittedPeer permitted,
              std::function<capnp::Capability::Client()> makeBootstrap);
  ~RpcListener();

  // Resolves never; rejects only if the listener itself breaks.
  kj::Promise<void> run();

 private:
  struct Impl;
  kj::Own<Impl> impl_;
};

// A connection to a server's socket. `get()` gives its bootstrap, connecting if there is no live connection;
// a call on a dead connection rejects with DISCONNECTED and the next get() connects anew.
class RpcPeer {
 public:
  // `name` appears in logs and refusals: "storaged".
  RpcPeer(kj::LowLevelAsyncIoProvider& io, std::string name, std::string path);
  ~RpcPeer();

  // Throws a DISCONNECTED kj::Exception if nobody listens.
  template <typename Interface>
  typename Interface::Client get() {
    return bootstrap().castAs<Interface>();
  }
  // Resolves when the present connection ends (at once if there is none).
  kj::Promise<void> onDisconnect();
  [[nodiscard]] const std::string& name() const;

 private:
  capnp::Capability::Client bootstrap();
  struct Impl;
  kj::Own<Impl> impl_;
};

}  // namespace bulkhead::ipc
