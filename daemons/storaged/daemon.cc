#include "daemons/storaged/daemon.h"

#include "daemons/storaged/additional-import.h"

#include "daemons/common/base/log.h"
#include "daemons/storaged/storage-server.h"
#include "daemons/storaged/sweep.h"
#include "ipc/limits.h"
#include "ipc/scrub.h"

namespace bulkhead::storaged {

void BackgroundErrors::taskFailed(kj::Exception&& exception) {
  log::error("background work failed", {{"error", ipc::fullText(exception)}});
}

Storage::Storage(kj::UnixEventPort& port, const std::string& path, Fd zygote, const PullLimits& pull,
                 Driver driver, const std::vector<AdditionalStore>& additional)
    : store_(path),
      writes_(store_.indexPath(), offLoop_, background_),
      index_(store_.indexPath(), Index::Access::read),
      zygote_(port, std::move(zygote)),
      trash_(store_, zygote_, offLoop_, port.getTimer()),
      garbage_(index_, writes_, trash_, background_),
      comingIn_(std::chrono::milliseconds(limits::sharedLayerPatience).count() * kj::MILLISECONDS),
      layerTurns_(limits::layersAtOnce),
      commitTurn_(1),
      background_(errors_),
      parts_{store_,    index_,      writes_,     zygote_,     offLoop_, port.getTimer(), trash_, garbage_,
             comingIn_, layerTurns_, commitTurn_, background_, pull,     driver} {
  importAdditional(writes_.atStart(), additional);
  sweep(parts_);
}

Daemon::Daemon(kj::AsyncIoContext& io, Storage& storage, SignatureCheck& trust, Fd listener,
               ipc::PermittedPeer cri, Fd mounter)
    : storage_(storage),
      trust_(trust),
      images_(storage.parts(), trust_),
      layers_(storage.parts()),
      usage_(storage.parts()),
      users_(storage.parts()),
      mounterDoor_(io.unixEventPort, std::move(mounter), layers_, storage.parts().driver),
      criDoor_(*io.lowLevelProvider, std::move(listener), std::move(cri),
               [this]() -> capnp::Capability::Client {
                 return kj::heap<StorageServer>(images_, trust_, layers_, usage_, users_, storage_.parts());
               }) {}

kj::Promise<void> Daemon::run() {
  return storage_.parts()
      .zygote.untilGone()
      .exclusiveJoin(mounterDoor_.serve())
      .exclusiveJoin(criDoor_.run());
}

}  // namespace bulkhead::storaged
