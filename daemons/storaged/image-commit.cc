#include "daemons/storaged/image-commit.h"

#include <algorithm>
#include <stdexcept>

#include "daemons/common/base/log.h"

namespace bulkhead::storaged {
namespace {

using Stage = StagedLayer::Stage;
using Stored = Outcome<ImageView>;

}  // namespace

// One commit at a time: a layer that two images share is moved by the first.
kj::Promise<Stored> ImageCommit::run(Parts& parts, const VerifiedImage& image,
                                     const std::vector<SharedLayer*>& layers) {
  auto commit = kj::heap<ImageCommit>(parts, image, layers);
  auto& self = *commit;
  auto stored = parts.commitTurn.take().then([&self](Turnstile::Place&& turn) -> kj::Promise<Stored> {
    if (auto whole = self.checkLayers(); !whole) return Stored(tl::unexpected(whole.error()));
    auto recorded = self.makeDurable().then([&self]() { return self.record(); });
    return recorded
        .then([&self](Outcome<void>&& done) {
          return done ? self.announce() : Stored(tl::unexpected(done.error()));
        })
        .attach(kj::mv(turn));
  });
  return stored.attach(kj::mv(commit));
}

ImageCommit::ImageCommit(Parts& parts, const VerifiedImage& image, const std::vector<SharedLayer*>& layers)
    : parts_(parts), image_(image) {
  for (SharedLayer* layer : layers) layers_.push_back(kj::addRef(*layer->arrived()));
}

Outcome<void> ImageCommit::checkLayers() const {
  for (const auto& layer : layers_) {
    if (layer->stage() == Stage::lost)
      return refuse(Code::internal, "layers", "were lost: the disk failed while they were written");
  }
  return {};
}

void ImageCommit::settledWith(const std::vector<Size>& wrappings) {
  auto next = wrappings.begin();
  for (auto& layer : layers_) {
    if (layer->stage() == Stage::staged) layer->grow(*next++);
  }
  markStaged(Stage::durable);
}

void ImageCommit::markStaged(Stage stage) {
  for (auto& layer : layers_) {
    if (layer->stage() == Stage::staged) layer->reach(stage);
  }
}

kj::Promise<void> ImageCommit::makeDurable() {
  using Sizes = std::vector<Size>;
  std::vector<LayerName> names;
  const StagedLayer* oldest = nullptr;
  for (const auto& layer : layers_) {
    if (layer->stage() != Stage::staged) continue;
    names.push_back(layer->name());
    if (oldest == nullptr || layer->startedAt() < oldest->startedAt()) oldest = layer.get();
  }
  if (names.empty()) return kj::READY_NOW;
  auto settled = parts_.offLoop.run<Sizes>(
      [&store = parts_.store, names = std::move(names), opened = oldest->openedForSync()]() {
        Sizes wrappings;
        for (const LayerName& name : names) wrappings.push_back(store.wrappingOf(name));
        store.settle(names, opened->get());
        return wrappings;
      });
  return settled.then([this](Sizes&& wrappings) { settledWith(wrappings); },
                      [this](kj::Exception&& exception) {
                        markStaged(Stage::lost);
                        kj::throwRecoverableException(kj::mv(exception));
                      });
}

kj::Promise<Outcome<void>> ImageCommit::record() {
  std::vector<LayerRow> fresh;
  for (const auto& layer : layers_) {
    if (layer->stage() == Stage::durable) fresh.push_back(layer->row());
  }
  std::vector<Digest> diffIds;
  for (const VerifiedLayer& layer : image_.layers) diffIds.push_back(layer.diffId);
  ImageRow row{image_.id,     image_.manifestDigest,   image_.documentBytes, image_.user,
               image_.config, image_.document,         image_.annotations,   image_.artifact,
               false,         image_.reference.name(), image_.signatures};
  return parts_.writes.run<Outcome<void>>(
      [row = std::move(row), fresh = std::move(fresh), diffIds = std::move(diffIds),
       names = image_.names()](Index& index) { return index.commitImage(row, fresh, diffIds, names); });
}

Stored ImageCommit::announce() {
  for (auto& layer : layers_) {
    // Another blob of the same diff id may have been committed first; that one stays, ours goes.
    if (parts_.index.layerOf(layer->layer().diffId) == layer->name()) layer->reach(Stage::kept);
  }
  log::info("image stored", {{"image", image_.id.text()}, {"reference", image_.reference.text()}});
  auto view = parts_.index.image(image_.id);
  // Removed again already, by somebody who asked in the same instant: it was stored all the same.
  if (!view) return refuse(Code::notFound, "image", "was removed as soon as it was stored");
  return *std::move(view);
}

}  // namespace bulkhead::storaged
