#include "daemons/storaged/staged-layer.h"

#include <fcntl.h>

#include "daemons/common/base/log.h"
#include "ipc/scrub.h"

namespace bulkhead::storaged {

StagedLayer::StagedLayer(Parts& parts, VerifiedLayer layer, std::string field)
    : parts_(parts), layer_(std::move(layer)), field_(std::move(field)) {
  auto pair = kj::newPromiseAndFulfiller<Outcome<void>>();
  settled_ = pair.promise.fork();
  settledTeller_ = kj::mv(pair.fulfiller);
}

StagedLayer::~StagedLayer() noexcept(false) {
  if (stage_ == Stage::kept) return;
  // A commit that failed halfway may have moved it already.
  parts_.trash.discard(Store::Place::staging, name_.text());
  parts_.trash.discard(Store::Place::layers, name_.text());
}

void StagedLayer::start(std::vector<Turnstile::Place> turns, std::shared_ptr<ImageBudget> budget) {
  startedAt_ = parts_.timer.now();
  openedForSync_ = std::make_shared<const Fd>(parts_.store.openForSync());
  parts_.store.makeStaged(name_);
  Pipe source = makePipe();
  constexpr int pipeBytes = 1024 * 1024;
  (void)::fcntl(source.write.get(), F_SETPIPE_SZ, pipeBytes);  // as in zygote-client.cc
  Pipe cancel = makePipe();

  LayerTransfer transfer{layer_, field_, std::move(source.read), std::move(cancel.read)};
  if (layer_.codec != Codec::NONE) {
    Worker worker = parts_.zygote.decompress(layer_.codec);
    decompress_ = std::move(worker.lease);
    transfer.decompress = std::move(worker.pipes);
  }
  Worker worker = layer_.file.empty() ? parts_.zygote.unpack(name_) : parts_.zygote.keep(name_);
  unpack_ = std::move(worker.lease);
  transfer.unpack = std::move(worker.pipes);
  transfer.limits = parts_.limits;
  transfer.budget = std::move(budget);
  transfer.received = received_;
  canceller_ = std::move(cancel.write);

  auto received = parts_.offLoop.run<Outcome<Received>>(
      [transfer = std::move(transfer)]() mutable { return receiveLayer(std::move(transfer)); });
  // The thread is awaited even if nobody else waits: its directory is erased afterwards.
  parts_.background.add(received.then(
      [self = kj::addRef(*this)](Outcome<Received>&& outcome) mutable { self->settle(outcome); },
      [self = kj::addRef(*this)](kj::Exception&& exception) mutable { self->broke(kj::mv(exception)); }));
  turns_ = std::move(turns);
  sink_ = std::move(source.write);
}

void StagedLayer::cancel() {
  decompress_ = {};
  unpack_ = {};
  canceller_.reset();
}

void StagedLayer::settle(const Outcome<Received>& outcome) {
  cancel();  // also after success: a hostile worker may have answered and stayed, with its hands on the layer
  turns_.clear();
  if (outcome) size_ = outcome->size;
  if (outcome) layer_.diffId = outcome->diffId;
  done_ = outcome.has_value();
  settledTeller_->fulfill(outcome.map([](const Received&) {}));
}

void StagedLayer::broke(kj::Exception&& exception) {
  log::error("a layer's thread failed", {{"error", ipc::fullText(exception)}});
  settle(refuse(Code::internal, "", "internal error in storaged"));
}

}  // namespace bulkhead::storaged
