// The mounter's question: which layers are beneath this container? One at a time, over the socketpair.
#pragma once

#include <kj/async-unix.h>

#include "daemons/common/base/fd.h"
#include "daemons/storaged/writable-layer.h"
#include "ipc/packet-client.h"

namespace bulkhead::storaged {

class LayersDoor {
 public:
  LayersDoor(kj::UnixEventPort& port, Fd socket, const WritableLayers& layers, Driver driver)
      : socket_(port, std::move(socket)), layers_(layers), driver_(driver) {}

  // Answers until the mounter is gone, then rejects; resolves never.
  kj::Promise<void> serve();

 private:
  kj::Promise<void> answer(ipc::Packet question);

  ipc::AsyncPacketSocket socket_;
  const WritableLayers& layers_;
  Driver driver_;
};

}  // namespace bulkhead::storaged
