// storaged's main, put together: the parts, the flows on them, and the doors to cri and to the mounter.
#pragma once

#include <kj/async-io.h>

#include <string>

#include "daemons/storaged/container-usage.h"
#include "daemons/storaged/helpers.h"
#include "daemons/storaged/image-store.h"
#include "daemons/storaged/layers-door.h"
#include "daemons/storaged/parts.h"
#include "daemons/storaged/shared-layer.h"
#include "daemons/storaged/signature-check.h"
#include "daemons/storaged/user-lookup.h"
#include "daemons/storaged/writable-layer.h"
#include "ipc/rpc.h"

namespace bulkhead::storaged {

// Logs what fails after its caller left.
class BackgroundErrors final : public kj::TaskSet::ErrorHandler {
 public:
  void taskFailed(kj::Exception&& exception) override;
};

// The parts as one owner, in the order in which they need each other.
class Storage {
 public:
  // Opens the store, imports what additional ones have, and sweeps it.
  Storage(kj::UnixEventPort& port, const std::string& path, Fd zygote, const PullLimits& pull,
          Driver driver = Driver::overlay, const std::vector<AdditionalStore>& additional = {});

  [[nodiscard]] Parts& parts() { return parts_; }

 private:
  Store store_;
  IndexWriter writes_;
  const Index index_;
  OffLoop offLoop_;  // destroyed after the zygote's socket: its threads wait for workers, which end with that
  ZygoteClient zygote_;
  Trash trash_;
  LayerGarbage garbage_;
  LayersComingIn comingIn_;
  Turnstile layerTurns_;
  Turnstile commitTurn_;
  BackgroundErrors errors_;
  kj::TaskSet background_;
  Parts parts_;
};

class Daemon {
 public:
  Daemon(kj::AsyncIoContext& io, Storage& storage, SignatureCheck& trust, Fd listener, ipc::PermittedPeer cri,
         Fd mounter);

  // Serves until a helper is gone, then rejects; resolves never.
  kj::Promise<void> run();

 private:
  Storage& storage_;
  SignatureCheck& trust_;
  ImageStore images_;
  WritableLayers layers_;
  ContainerUsage usage_;
  UserLookup users_;
  LayersDoor mounterDoor_;
  ipc::RpcListener criDoor_;
};

}  // namespace bulkhead::storaged
