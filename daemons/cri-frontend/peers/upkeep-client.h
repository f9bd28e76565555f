// UpkeepClient: what cri asks of a living container's launcher and shim besides its start and its end.
#pragma once

#include <kj/async-io.h>
#include <kj/async-unix.h>
#include <kj/timer.h>

#include <functional>

#include "daemons/common/base/fd.h"
#include "daemons/common/base/ids.h"
#include "daemons/common/base/layout.h"
#include "daemons/cri-frontend/answer.h"
#include "ipc/rpc.h"
#include "ipc/schema/launch.capnp.h"

namespace bulkhead::cri {

class UpkeepClient {
 public:
  // All are borrowed for as long as a call is under way.
  UpkeepClient(kj::LowLevelAsyncIoProvider& io, kj::UnixEventPort& port, kj::Timer& timer,
               const Layout& layout)
      : io_(io), port_(port), timer_(timer), layout_(layout) {}

  // At the launcher: the container's log file, made anew where it was moved away, to append to. It must run.
  Answer<Fd> openLog(const ContainerId& container);
  // At the launcher: new limits, all of them or none.
  Answer<void> updateContainer(const ContainerId& container,
                               std::function<void(schema::Resources::Builder)> describe);
  // At its shim: how much of shim.capnp it knows, and that what it reads from now on goes to `log`.
  Answer<uint32_t> shimProtocol(const ContainerId& container);
  Answer<void> reopenLog(const ContainerId& container, Fd log);
  // At its shim: attach, with the shim's ends of stream socket pairs, and the size of its terminal.
  struct Attached {
    Fd in, out, err;  // any may be missing
    bool endsInput = false;
  };
  Answer<void> attach(const ContainerId& container, Attached attached);
  Answer<void> resize(const ContainerId& container, uint16_t width, uint16_t height);
  // At its shim: resolves when the container has ended, however long that takes.
  Answer<void> ended(const ContainerId& container);

 private:
  kj::Own<ipc::RpcPeer> shimOf(const ContainerId& container);

  kj::LowLevelAsyncIoProvider& io_;
  kj::UnixEventPort& port_;
  kj::Timer& timer_;
  const Layout& layout_;
};

}  // namespace bulkhead::cri
