// One missing layer of an image on its way in: its directory in staging, its two workers, its thread. Whoever
// drops the last reference to a layer that was not kept throws the directory away; the thread's continuation
// holds one, so the directory is never erased under a worker that still writes.
#pragma once

#include <kj/refcount.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "daemons/storaged/chain.h"
#include "daemons/storaged/parts.h"

namespace bulkhead::storaged {

class StagedLayer final : public kj::Refcounted {
 public:
  StagedLayer(Parts& parts, VerifiedLayer layer, std::string field);
  ~StagedLayer() noexcept(false) override;

  // It has been asked for, and waits for its turn.
  void ask() { asked_ = true; }

  // Makes the directory, starts the workers and the thread; `turns` are kept until both are gone. The write
  // end for the compressed bytes, and the promise of receiveLayer()'s outcome. Once.
  struct Started {
    Fd sink;
    kj::Promise<Outcome<void>> arrived;
  };
  Started start(std::vector<Turnstile::Place> turns);
  // Kills the workers and ends the thread. Any time.
  void cancel();
  // Its directory is in layers/ and in the index: it stays.
  void keep() { discarded_ = false; }

  [[nodiscard]] const VerifiedLayer& layer() const { return layer_; }
  [[nodiscard]] const LayerName& name() const { return name_; }
  [[nodiscard]] LayerRow row() const { return {name_, layer_.diffId, size_}; }
  [[nodiscard]] bool asked() const { return asked_; }
  [[nodiscard]] bool started() const { return started_; }
  [[nodiscard]] bool done() const { return done_; }
  [[nodiscard]] std::uint64_t received() const { return received_->load(std::memory_order_relaxed); }

 private:
  Outcome<void> settle(const Outcome<Size>& outcome);

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
  bool asked_ = false;
  bool started_ = false;
  bool done_ = false;
  bool discarded_ = false;
};

}  // namespace bulkhead::storaged
