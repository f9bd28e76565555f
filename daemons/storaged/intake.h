// Intake: one image on its way in, from checked documents to one commit. Dropped before that, what it staged
// and nobody else waits for goes.
#pragma once

#include <kj/refcount.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemons/storaged/chain.h"
#include "daemons/storaged/parts.h"
#include "daemons/storaged/shared-layer.h"
#include "ipc/limits.h"

namespace bulkhead::storaged {

struct PullView {
  std::string reference;
  std::uint32_t layersDone = 0;
  std::uint32_t layersTotal = 0;
  std::uint64_t bytesDone = 0;  // compressed, received
  std::uint64_t bytesTotal = 0;
  std::int64_t startedAt = 0;  // nanoseconds, wall clock
};

class Intake final : public kj::Refcounted {
 public:
  // Holds the layers that are there already; the others are missing().
  // `ticket` is kept to the end.
  Intake(Parts& parts, VerifiedImage image, std::shared_ptr<void> ticket);
  ~Intake() noexcept(false) override;

  [[nodiscard]] const ImageId& imageId() const { return image_.id; }
  // In the order of layerPipe's `index`.
  [[nodiscard]] std::vector<VerifiedLayer> missing() const;
  [[nodiscard]] PullView view() const;

  // The write end of a pipe for the compressed bytes, once it is this layer's turn (ipc/limits.h); or
  // nothing, once another image's intake has brought the layer. Refuses invalidArgument for an index that is
  // none, failedPrecondition the second time, and what another layer was refused for while this one waited.
  using Sink = std::optional<Fd>;
  kj::Promise<Outcome<Sink>> layerPipe(std::uint32_t index);
  // Waits for all missing layers, fails with the first that fails, and makes the image exist. Once. Dropped
  // while layers still arrive, it gives up; afterwards it goes on: a commit is never half done.
  kj::Promise<Outcome<ImageView>> commit();

 private:
  struct Missing {
    kj::Own<SharedLayer> layer;
    std::string field;  // for refusals
    SharedLayer::Errand errand;
    bool asked = false;
    bool started = false;
  };

  void add(size_t position);
  kj::Promise<std::vector<Turnstile::Place>> turn();
  kj::Promise<Sink> bringOrAwait(Missing& missing);
  kj::Promise<Sink> bring(Missing& missing);
  bool start(Missing& missing, std::vector<Turnstile::Place> turns, Sink& sink);
  Outcome<void> readyToCommit();
  kj::Promise<Outcome<void>> allArrived();
  kj::Promise<Outcome<void>> complete();
  kj::Promise<Outcome<ImageView>> makeExist();
  void layerArrived(Missing& missing);
  void layerFailed(const Outcome<void>& outcome);
  void giveUp();

  std::shared_ptr<void> ticket_;
  Parts& parts_;
  VerifiedImage image_;
  std::int64_t startedAt_;
  std::shared_ptr<ImageBudget> budget_;
  std::vector<LayerName> held_;
  std::vector<Missing> missing_;
  Turnstile turns_{limits::layersOfImageAtOnce};
  size_t left_ = 0;
  bool committing_ = false;
  kj::Own<kj::PromiseFulfiller<Outcome<void>>> verdict_;
  kj::ForkedPromise<Outcome<void>> arrived_ = nullptr;
  kj::Vector<kj::Promise<void>> watches_;  // last: they point here
};

}  // namespace bulkhead::storaged
