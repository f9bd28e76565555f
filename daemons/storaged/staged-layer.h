// One transfer of a layer: its directory in staging, its two workers, its thread. Whoever drops the last
// reference to a layer that was not kept throws the directory away; the thread's continuation holds one, so
// the directory is never erased under a worker that still writes.
#pragma once

#include <kj/refcount.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "daemons/storaged/chain.h"
#include "daemons/storaged/layer-pipeline.h"
#include "daemons/storaged/parts.h"

namespace bulkhead::storaged {

class StagedLayer final : public kj::Refcounted {
 public:
  StagedLayer(Parts& parts, VerifiedLayer layer, std::string field);
  ~StagedLayer() noexcept(false) override;

  // Makes the directory, starts the workers and the thread; `turns` are kept until both are gone;
  // what comes is charged to `budget`. Once.
  void start(std::vector<Turnstile::Place> turns, std::shared_ptr<ImageBudget> budget);
  // The write end for the compressed bytes; once.
  Fd takeSink() { return std::move(sink_); }
  // receiveLayer()'s outcome.
  kj::Promise<Outcome<void>> whenSettled() { return settled_.addBranch(); }
  // Kills the workers and ends the thread. Any time.
  void cancel();

  // How far it is on its way to existing. `lost`: the disk failed while it was made durable, and an error is
  // reported once (syncfs(2)), so nobody can know any more whether it is whole.
  enum class Stage { staged, durable, kept, lost };
  [[nodiscard]] Stage stage() const { return stage_; }
  // durable: it is in layers/ and on disk. kept: it is in the index, too, and stays.
  void reach(Stage stage) { stage_ = stage; }
  // It takes this much more.
  void grow(const Size& size) { size_ += size; }
  // Opened before the first byte was written; of two layers that of the older one reports for both.
  [[nodiscard]] const std::shared_ptr<const Fd>& openedForSync() const { return openedForSync_; }
  [[nodiscard]] kj::TimePoint startedAt() const { return startedAt_; }

  [[nodiscard]] const VerifiedLayer& layer() const { return layer_; }
  [[nodiscard]] const LayerName& name() const { return name_; }
  [[nodiscard]] LayerRow row() const { return {name_, layer_.diffId, size_}; }
  [[nodiscard]] bool done() const { return done_; }
  // Compressed bytes so far.
  [[nodiscard]] std::shared_ptr<const std::atomic<std::uint64_t>> receivedCounter() const {
    return received_;
  }

 private:
  void settle(const Outcome<Received>& outcome);
  void broke(kj::Exception&& exception);

  Parts& parts_;
  VerifiedLayer layer_;
  std::string field_;
  LayerName name_ = LayerName::generate();
  WorkerLease decompress_;
  WorkerLease unpack_;
  Fd canceller_;  // the thread gives up when this closes
  std::shared_ptr<std::atomic<std::uint64_t>> received_ = std::make_shared<std::atomic<std::uint64_t>>(0);
  Size size_;
  std::vector<Turnstile::Place> turns_;
  Fd sink_;
  std::shared_ptr<const Fd> openedForSync_;
  kj::TimePoint startedAt_ = kj::origin<kj::TimePoint>();
  kj::Own<kj::PromiseFulfiller<Outcome<void>>> settledTeller_;
  kj::ForkedPromise<Outcome<void>> settled_ = nullptr;
  bool done_ = false;
  Stage stage_ = Stage::staged;
};

}  // namespace bulkhead::storaged
