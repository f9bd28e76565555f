// A layer that is not here yet, for all images on their way in that miss it: moved once, whoever brings it.
//
// Whoever asks while nobody brings it gets the errand; the others wait. An errand that fails or is dropped is
// taken over by one that waits, from the start and with its own pipe: nobody's bytes are continued with
// another's. One that hardly moves is taken over too, beside it (ipc/limits.h), and the first to be whole
// counts. Two layers are the same if all their documents say of them is: an image that lies about a layer's
// size waits for nobody, and nobody for it.
#pragma once

#include <kj/refcount.h>

#include <map>
#include <string>
#include <vector>

#include "daemons/storaged/chain.h"
#include "daemons/storaged/parts.h"
#include "daemons/storaged/staged-layer.h"
#include "ipc/limits.h"

namespace bulkhead::storaged {

class SharedLayer final : public kj::Refcounted {
 public:
  // One image's part in bringing the layer: while it lives, it may be the one that is waited for. Dropped
  // before the layer is whole, it gives up.
  class Errand {
   public:
    Errand() = default;
    Errand(kj::Own<SharedLayer> layer, std::uint64_t number) : layer_(kj::mv(layer)), number_(number) {}
    Errand(Errand&& other) noexcept;
    Errand& operator=(Errand&& other) noexcept;
    ~Errand() noexcept(false) { end(); }

    // Starts the transfer, unless somebody else's runs well or has arrived: then nothing, and the errand is
    // over. `field` and `turns` as in StagedLayer.
    StagedLayer* start(const std::string& field, std::vector<Turnstile::Place> turns,
                       std::shared_ptr<ImageBudget> budget);
    // Ends its transfer.
    void cancel();

   private:
    void end();
    kj::Own<SharedLayer> layer_;
    std::uint64_t number_ = 0;
    kj::Own<StagedLayer> transfer_;
  };

  SharedLayer(Parts& parts, VerifiedLayer layer);
  ~SharedLayer() noexcept(false) override;

  [[nodiscard]] const VerifiedLayer& layer() const { return layer_; }
  // The whole layer, held against collection; null before.
  [[nodiscard]] StagedLayer* arrived() { return arrived_.get(); }
  [[nodiscard]] bool hasArrived() const { return arrived_.get() != nullptr; }
  // Resolves once it is whole.
  kj::Promise<void> whenArrived() { return arrival_.addBranch(); }
  // Compressed bytes so far, of the transfer that is waited for.
  [[nodiscard]] std::uint64_t received() const;

  [[nodiscard]] bool needsBringer() const { return !hasArrived() && bringer_ == 0; }
  // Only if it needs a bringer.
  Errand take();
  // Resolves when there may be something to do: it arrived, or needs a bringer. Looks at how it moves.
  kj::Promise<void> untilNews();

 private:
  friend class Errand;
  void leave(std::uint64_t number);
  void watch(std::uint64_t number, kj::Own<StagedLayer> transfer);
  void arrive(StagedLayer& transfer);
  void tell();

  Parts& parts_;
  VerifiedLayer layer_;
  kj::Own<StagedLayer> arrived_;
  std::uint64_t lastNumber_ = 0;
  std::uint64_t bringer_ = 0;  // the errand that is waited for; 0: nobody's
  bool running_ = false;       // and it has started
  std::shared_ptr<const std::atomic<std::uint64_t>> received_;
  kj::Own<kj::PromiseFulfiller<void>> arrivalTeller_;
  kj::ForkedPromise<void> arrival_ = nullptr;
  kj::Own<kj::PromiseFulfiller<void>> newsTeller_;
  kj::ForkedPromise<void> news_ = nullptr;
  kj::Vector<kj::Promise<void>> watches_;  // last: they point here
};

// The layers on their way in. Owns none: each lives as long as an image misses it.
class LayersComingIn {
 public:
  explicit LayersComingIn(kj::Duration patience) : patience_(patience) {}

  // The one there is, or a fresh one.
  kj::Own<SharedLayer> find(Parts& parts, const VerifiedLayer& layer);
  // No later image waits for it.
  void forget(const SharedLayer& layer);

  [[nodiscard]] kj::Duration patience() const { return patience_; }
  void setPatience(kj::Duration patience) { patience_ = patience; }

 private:
  kj::Duration patience_;
  std::map<VerifiedLayer, SharedLayer*> layers_;
};

}  // namespace bulkhead::storaged
