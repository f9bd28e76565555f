#include "daemons/storaged/intake.h"

#include <algorithm>
#include <chrono>

#include "daemons/common/base/log.h"
#include "ipc/scrub.h"

namespace bulkhead::storaged {
namespace {

std::int64_t wallClock() {
  using namespace std::chrono;
  return duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace

Intake::Intake(Parts& parts, VerifiedImage image, std::shared_ptr<void> ticket)
    : ticket_(std::move(ticket)), parts_(parts), image_(std::move(image)), startedAt_(wallClock()) {
  std::vector<Digest> seen;
  for (size_t position = 0; position < image_.layers.size(); ++position) {
    const VerifiedLayer& layer = image_.layers[position];
    // One layer can stand twice in an image; it is fetched once.
    if (std::find(seen.begin(), seen.end(), layer.diffId) != seen.end()) continue;
    seen.push_back(layer.diffId);
    if (auto there = parts_.index.layerOf(layer.diffId)) {
      held_.push_back(*there);
    } else {
      layers_.push_back(
          kj::refcounted<StagedLayer>(parts_, layer, "layers[" + std::to_string(position) + "]"));
    }
  }
  parts_.garbage.hold(held_);
  left_ = layers_.size();
  auto pair = kj::newPromiseAndFulfiller<Outcome<void>>();
  arrived_ = pair.promise.fork();
  verdict_ = kj::mv(pair.fulfiller);
}

Intake::~Intake() noexcept(false) {
  giveUp();
  parts_.garbage.release(held_);
  // Somebody may have removed the last image on a layer that was held here.
  if (!held_.empty()) parts_.garbage.collect();
}

std::vector<VerifiedLayer> Intake::missing() const {
  std::vector<VerifiedLayer> missing;
  for (const auto& layer : layers_) missing.push_back(layer->layer());
  return missing;
}

PullView Intake::view() const {
  PullView view;
  view.reference = image_.reference.text();
  view.startedAt = startedAt_;
  view.layersTotal = static_cast<std::uint32_t>(layers_.size());
  for (const auto& layer : layers_) {
    view.layersDone += layer->done() ? 1 : 0;
    view.bytesDone += layer->received();
    view.bytesTotal += layer->layer().size;
  }
  return view;
}

kj::Promise<std::vector<Turnstile::Place>> Intake::turn() {
  using Places = std::vector<Turnstile::Place>;
  return turns_.take().then([this](Turnstile::Place&& ofImage) {
    return parts_.layerTurns.take().then([ofImage = kj::mv(ofImage)](Turnstile::Place&& ofNode) mutable {
      Places places;
      places.push_back(kj::mv(ofImage));
      places.push_back(kj::mv(ofNode));
      return places;
    });
  });
}

kj::Promise<Outcome<Fd>> Intake::layerPipe(std::uint32_t index) {
  using Given = Outcome<Fd>;
  if (index >= layers_.size()) return Given(invalid("index", "is not that of a missing layer"));
  StagedLayer& layer = *layers_[index];
  if (layer.asked())
    return Given(refuse(Code::failedPrecondition, "index", "this layer's pipe was already given"));
  layer.ask();
  auto given = turn().then(
      [this, &layer](std::vector<Turnstile::Place>&& turns) -> Given { return start(layer, kj::mv(turns)); });
  // Before this one's turn `arrived_` can only be another layer's failure.
  auto failed = arrived_.addBranch().then(
      [](Outcome<void>&& arrived) -> Given { return tl::unexpected(arrived.error()); });
  return given.exclusiveJoin(kj::mv(failed)).attach(kj::addRef(*this));
}

Fd Intake::start(StagedLayer& layer, std::vector<Turnstile::Place> turns) {
  if (!openedForSync_) openedForSync_ = parts_.store.openForSync();
  auto started = layer.start(std::move(turns));
  auto watch = started.arrived.then([this](Outcome<void>&& outcome) { layerArrived(outcome); });
  watches_.add(watch.eagerlyEvaluate([this](kj::Exception&& exception) {
    log::error("a layer's thread failed", {{"error", ipc::fullText(exception)}});
    layerArrived(refuse(Code::internal, "", "internal error in storaged"));
  }));
  return std::move(started.sink);
}

void Intake::layerArrived(const Outcome<void>& outcome) {
  if (outcome) {
    if (--left_ == 0) verdict_->fulfill(Outcome<void>());
    return;
  }
  verdict_->fulfill(Outcome<void>(outcome));  // the first failure counts
  giveUp();
}

void Intake::giveUp() {
  for (auto& layer : layers_) layer->cancel();
}

Outcome<void> Intake::readyToCommit() {
  if (committing_) return refuse(Code::failedPrecondition, "", "this image was already committed");
  bool all = std::all_of(layers_.begin(), layers_.end(), [](const auto& layer) { return layer->started(); });
  if (!all) return refuse(Code::failedPrecondition, "layers", "not every missing layer was asked for");
  committing_ = true;
  return {};
}

kj::Promise<Outcome<ImageView>> Intake::commit() {
  if (auto ready = readyToCommit(); !ready) return Outcome<ImageView>(tl::unexpected(ready.error()));
  auto committed = allArrived().then([this](Outcome<void>&& arrived) -> kj::Promise<Outcome<ImageView>> {
    if (!arrived) return Outcome<ImageView>(tl::unexpected(arrived.error()));
    auto permanent = makePermanent().attach(kj::addRef(*this)).fork();
    parts_.background.add(permanent.addBranch().then([](Outcome<ImageView>&&) {}));
    return permanent.addBranch();
  });
  return committed.attach(kj::addRef(*this));
}

kj::Promise<Outcome<void>> Intake::allArrived() {
  if (layers_.empty()) return Outcome<void>();
  return arrived_.addBranch();
}

// The long part off the loop, in a thread; then, with the disk quiet, the index's small fsync here. So the
// connection to SQLite belongs to the loop alone, and no lock is needed between what it says and what the
// loop remembers.
kj::Promise<Outcome<ImageView>> Intake::makePermanent() {
  std::vector<LayerName> names;
  for (const auto& layer : layers_) names.push_back(layer->name());
  auto settled = parts_.offLoop.run<bool>(
      [&store = parts_.store, names = std::move(names), opened = std::move(openedForSync_)]() {
        store.settle(names, opened.get());
        return true;
      });
  return settled.then([this](bool) { return record(); });
}

Outcome<ImageView> Intake::record() {
  std::vector<LayerRow> fresh;
  for (const auto& layer : layers_) fresh.push_back(layer->row());
  std::vector<Digest> diffIds;
  for (const VerifiedLayer& layer : image_.layers) diffIds.push_back(layer.diffId);
  ImageRow image{image_.id, image_.manifestDigest, image_.documentBytes, image_.user, image_.config};
  auto committed = parts_.index.commitImage(image, fresh, diffIds, image_.names());
  if (!committed) return tl::unexpected(committed.error());
  for (auto& layer : layers_) {
    // Another pull may have brought the same layer meanwhile; the first one stays, ours goes.
    if (parts_.index.layerOf(layer->layer().diffId) == layer->name()) layer->keep();
  }
  log::info("image stored", {{"image", image_.id.text()}, {"reference", image_.reference.text()}});
  auto view = parts_.index.image(image_.id);
  if (!view) throw std::logic_error("a committed image is not in the index");
  return *std::move(view);
}

}  // namespace bulkhead::storaged
