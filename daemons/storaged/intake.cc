#include "daemons/storaged/intake.h"

#include <algorithm>
#include <chrono>
#include <set>

#include "daemons/storaged/image-commit.h"
#include "daemons/storaged/schema1-completion.h"

namespace bulkhead::storaged {
namespace {

std::int64_t wallClock() {
  using namespace std::chrono;
  return duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace

Intake::Intake(Parts& parts, VerifiedImage image, std::shared_ptr<void> ticket)
    : ticket_(std::move(ticket)),
      parts_(parts),
      image_(std::move(image)),
      startedAt_(wallClock()),
      budget_(std::make_shared<ImageBudget>(parts.limits)) {
  auto pair = kj::newPromiseAndFulfiller<Outcome<void>>();
  arrived_ = pair.promise.fork();
  verdict_ = kj::mv(pair.fulfiller);
  std::set<Digest> seen;
  for (size_t position = 0; position < image_.layers.size(); ++position) {
    // One layer can stand twice in an image; it is fetched once.
    if (seen.insert(image_.layers[position].diffId).second) add(position);
  }
  parts_.garbage.hold(held_);
  left_ = missing_.size();
}

void Intake::add(size_t position) {
  const VerifiedLayer& layer = image_.layers[position];
  auto there = parts_.index.layerOf(layer.diffId);
  if (there && !parts_.garbage.isGoing(*there)) {
    held_.push_back(*there);
    return;
  }
  auto shared = parts_.comingIn.find(parts_, layer);
  auto arrived = shared->whenArrived().then([this, at = missing_.size()]() { layerArrived(missing_[at]); });
  watches_.add(arrived.eagerlyEvaluate(nullptr));
  missing_.push_back({kj::mv(shared), "layers[" + std::to_string(position) + "]", {}});
}

Intake::~Intake() noexcept(false) {
  parts_.garbage.release(held_);
  // Somebody may have removed the last image on a layer that was held here.
  if (!held_.empty()) (void)parts_.garbage.collect();
}

std::vector<VerifiedLayer> Intake::missing() const {
  std::vector<VerifiedLayer> layers;
  for (const Missing& missing : missing_) layers.push_back(missing.layer->layer());
  return layers;
}

PullView Intake::view() const {
  PullView view;
  view.reference = image_.reference.text();
  view.startedAt = startedAt_;
  view.layersTotal = static_cast<std::uint32_t>(missing_.size());
  for (const Missing& missing : missing_) {
    view.layersDone += missing.layer->hasArrived() ? 1 : 0;
    view.bytesDone += missing.layer->received();
    view.bytesTotal += missing.layer->layer().size;
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

kj::Promise<Outcome<Intake::Sink>> Intake::layerPipe(std::uint32_t index) {
  using Given = Outcome<Sink>;
  if (index >= missing_.size()) return Given(invalid("index", "is not that of a missing layer"));
  Missing& missing = missing_[index];
  if (missing.asked)
    return Given(refuse(Code::failedPrecondition, "index", "this layer's pipe was already given"));
  missing.asked = true;
  auto given = bringOrAwait(missing).then([](Sink&& sink) { return Given(std::move(sink)); });
  // Before this one's turn `arrived_` can only be another layer's failure.
  auto failed = arrived_.addBranch().then([](Outcome<void>&& arrived) -> kj::Promise<Given> {
    if (arrived) return kj::NEVER_DONE;
    return Given(tl::unexpected(arrived.error()));
  });
  return given.exclusiveJoin(kj::mv(failed)).attach(kj::addRef(*this));
}

kj::Promise<Intake::Sink> Intake::bringOrAwait(Missing& missing) {
  if (missing.layer->hasArrived()) return Sink();
  if (missing.layer->needsBringer()) return bring(missing);
  return missing.layer->untilNews().then([this, &missing]() { return bringOrAwait(missing); });
}

// Between taking the errand and the turn, others may have brought the layer, or be about to.
kj::Promise<Intake::Sink> Intake::bring(Missing& missing) {
  missing.errand = missing.layer->take();
  return turn().then([this, &missing](std::vector<Turnstile::Place>&& turns) -> kj::Promise<Sink> {
    Sink sink;
    if (start(missing, kj::mv(turns), sink)) return kj::mv(sink);
    return bringOrAwait(missing);
  });
}

bool Intake::start(Missing& missing, std::vector<Turnstile::Place> turns, Sink& sink) {
  StagedLayer* transfer = missing.errand.start(missing.field, kj::mv(turns), budget_);
  if (transfer == nullptr) return false;
  missing.started = true;
  auto settled = transfer->whenSettled().then([this, &missing](Outcome<void>&& outcome) {
    if (!outcome && !missing.layer->hasArrived()) layerFailed(outcome);
  });
  watches_.add(settled.eagerlyEvaluate(nullptr));
  sink = transfer->takeSink();
  return true;
}

void Intake::layerArrived(Missing& missing) {
  missing.errand.cancel();  // overtaken, perhaps
  if (--left_ == 0) verdict_->fulfill(Outcome<void>());
}

void Intake::layerFailed(const Outcome<void>& outcome) {
  verdict_->fulfill(Outcome<void>(outcome));  // the first failure counts
  giveUp();
}

void Intake::giveUp() {
  for (Missing& missing : missing_) missing.errand.cancel();
}

Outcome<void> Intake::readyToCommit() {
  if (committing_) return refuse(Code::failedPrecondition, "", "this image was already committed");
  bool all = std::all_of(missing_.begin(), missing_.end(), [](const Missing& missing) {
    return missing.started || missing.layer->hasArrived();
  });
  if (!all) return refuse(Code::failedPrecondition, "layers", "not every missing layer was asked for");
  committing_ = true;
  return {};
}

kj::Promise<Outcome<ImageView>> Intake::commit() {
  if (auto ready = readyToCommit(); !ready) return Outcome<ImageView>(tl::unexpected(ready.error()));
  auto whole = allArrived().then([this](Outcome<void>&& arrived) -> kj::Promise<Outcome<void>> {
    if (!arrived) return kj::mv(arrived);
    return complete();
  });
  auto committed = whole.then([this](Outcome<void>&& ready) -> kj::Promise<Outcome<ImageView>> {
    if (!ready) return Outcome<ImageView>(tl::unexpected(ready.error()));
    return makeExist();
  });
  return committed.attach(kj::addRef(*this));
}

// Of schema 1 only the layers themselves tell what they are.
kj::Promise<Outcome<void>> Intake::complete() {
  if (image_.schema1.empty()) return Outcome<void>();
  for (VerifiedLayer& layer : image_.layers) {
    for (Missing& missing : missing_) {
      if (missing.layer->layer().digest == layer.digest)
        layer.diffId = missing.layer->arrived()->layer().diffId;
    }
  }
  return completeSchema1(parts_, image_).then([this](Outcome<VerifiedImage>&& completed) -> Outcome<void> {
    if (!completed) return tl::unexpected(completed.error());
    image_ = *std::move(completed);
    return {};
  });
}

kj::Promise<Outcome<ImageView>> Intake::makeExist() {
  std::vector<SharedLayer*> layers;
  for (Missing& missing : missing_) layers.push_back(missing.layer.get());
  auto stored = ImageCommit::run(parts_, image_, layers).attach(kj::addRef(*this)).fork();
  parts_.background.add(stored.addBranch().then([](Outcome<ImageView>&&) {}));
  return stored.addBranch();
}

kj::Promise<Outcome<void>> Intake::allArrived() {
  if (missing_.empty()) return Outcome<void>();
  return arrived_.addBranch();
}

}  // namespace bulkhead::storaged
