#include "daemons/storaged/shared-layer.h"

#include <utility>

namespace bulkhead::storaged {

using Errand = SharedLayer::Errand;

Errand::Errand(Errand&& other) noexcept
    : layer_(kj::mv(other.layer_)),
      number_(std::exchange(other.number_, 0)),
      transfer_(kj::mv(other.transfer_)) {}

Errand& Errand::operator=(Errand&& other) noexcept {
  if (this != &other) {
    end();
    layer_ = kj::mv(other.layer_);
    number_ = std::exchange(other.number_, 0);
    transfer_ = kj::mv(other.transfer_);
  }
  return *this;
}

void Errand::end() {
  cancel();
  if (auto number = std::exchange(number_, 0)) layer_->leave(number);
}

void Errand::cancel() {
  if (transfer_.get() != nullptr && !transfer_->done()) transfer_->cancel();
}

StagedLayer* Errand::start(const std::string& field, std::vector<Turnstile::Place> turns,
                           std::shared_ptr<ImageBudget> budget) {
  SharedLayer& layer = *layer_;
  bool othersRuns = layer.bringer_ != number_ && layer.running_;
  if (layer.hasArrived() || othersRuns) {
    end();
    return nullptr;
  }
  transfer_ = kj::refcounted<StagedLayer>(layer.parts_, layer.layer_, field);
  transfer_->start(std::move(turns), std::move(budget));
  layer.bringer_ = number_;
  layer.running_ = true;
  layer.received_ = transfer_->receivedCounter();
  layer.watch(number_, kj::addRef(*transfer_));
  return transfer_.get();
}

SharedLayer::SharedLayer(Parts& parts, VerifiedLayer layer) : parts_(parts), layer_(std::move(layer)) {
  auto arrival = kj::newPromiseAndFulfiller<void>();
  arrival_ = arrival.promise.fork();
  arrivalTeller_ = kj::mv(arrival.fulfiller);
  tell();
}

SharedLayer::~SharedLayer() noexcept(false) {
  parts_.comingIn.forget(*this);
  if (!hasArrived()) return;
  parts_.garbage.release({arrived_->name()});
  // Somebody may have removed the image that it was committed with.
  if (arrived_->stage() == StagedLayer::Stage::kept) (void)parts_.garbage.collect();
}

std::uint64_t SharedLayer::received() const {
  if (hasArrived()) return layer_.size;
  return received_ ? received_->load(std::memory_order_relaxed) : 0;
}

Errand SharedLayer::take() {
  bringer_ = ++lastNumber_;
  running_ = false;
  return {kj::addRef(*this), bringer_};
}

kj::Promise<void> SharedLayer::untilNews() {
  auto stalled = [this, bringer = bringer_, before = received()]() {
    if (bringer_ == bringer && received() - before < limits::sharedLayerProgress) leave(bringer);
  };
  auto looked = parts_.timer.afterDelay(parts_.comingIn.patience()).then(kj::mv(stalled));
  return news_.addBranch().exclusiveJoin(kj::mv(looked)).attach(kj::addRef(*this));
}

void SharedLayer::leave(std::uint64_t number) {
  if (bringer_ != number) return;
  bringer_ = 0;
  running_ = false;
  received_ = nullptr;
  tell();
}

// What went wrong is told to the image that runs the transfer, and to no other.
void SharedLayer::watch(std::uint64_t number, kj::Own<StagedLayer> transfer) {
  auto& settling = *transfer;
  auto settled = settling.whenSettled().then(
      [this, number, transfer = kj::mv(transfer)](Outcome<void>&& outcome) mutable {
        if (outcome) return arrive(*transfer);
        leave(number);
      });
  watches_.add(settled.eagerlyEvaluate(nullptr));
}

void SharedLayer::arrive(StagedLayer& transfer) {
  if (hasArrived()) return;
  arrived_ = kj::addRef(transfer);
  parts_.garbage.hold({transfer.name()});
  arrivalTeller_->fulfill();
  tell();
}

// Whoever waits for news looks again, and waits for the next.
void SharedLayer::tell() {
  if (newsTeller_.get() != nullptr) newsTeller_->fulfill();
  auto news = kj::newPromiseAndFulfiller<void>();
  news_ = news.promise.fork();
  newsTeller_ = kj::mv(news.fulfiller);
}

kj::Own<SharedLayer> LayersComingIn::find(Parts& parts, const VerifiedLayer& layer) {
  if (auto found = layers_.find(layer); found != layers_.end()) return kj::addRef(*found->second);
  auto fresh = kj::refcounted<SharedLayer>(parts, layer);
  layers_.emplace(layer, fresh.get());
  return fresh;
}

void LayersComingIn::forget(const SharedLayer& layer) {
  auto found = layers_.find(layer.layer());
  if (found != layers_.end() && found->second == &layer) layers_.erase(found);
}

}  // namespace bulkhead::storaged
