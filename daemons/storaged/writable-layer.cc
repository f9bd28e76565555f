#include "daemons/storaged/writable-layer.h"

namespace bulkhead::storaged {

// A container's directory while it is being filled; without a row it goes again.
class WritableLayers::Making {
 public:
  Making(WritableLayers& layers, ContainerRow row) : layers_(layers), row_(std::move(row)) {
    layers_.parts_.store.makeContainer(row_.id);
    layers_.making_[row_.id] = this;
  }
  Making(const Making&) = delete;
  Making& operator=(const Making&) = delete;
  ~Making() noexcept(false) {
    layers_.making_.erase(row_.id);
    if (!recorded_) layers_.parts_.trash.discard(Store::Place::containers, row_.id.text());
  }
  void abandon() { abandoned_ = true; }

  // Goes on if it is dropped, so that from here on the directory stays: the sweep takes one without a row.
  kj::Promise<Outcome<void>> record() {
    if (abandoned_)
      return Outcome<void>(refuse(Code::failedPrecondition, "containerId", "was removed meanwhile"));
    recorded_ = true;
    return layers_.record(row_).then([this](Outcome<void>&& recorded) {
      recorded_ = recorded.has_value();
      return std::move(recorded);
    });
  }

 private:
  WritableLayers& layers_;
  ContainerRow row_;
  bool abandoned_ = false;
  bool recorded_ = false;
};

kj::Promise<Outcome<void>> WritableLayers::create(ContainerRow container) {
  if (!composes(parts_.driver) || parts_.index.container(container.id)) return record(std::move(container));
  if (auto may = parts_.index.mayAdd(container); !may) return may;
  if (making_.contains(container.id))
    return Outcome<void>(refuse(Code::unavailable, "containerId", "is being made"));
  return compose(std::move(container));
}

kj::Promise<Outcome<void>> WritableLayers::compose(ContainerRow container) {
  using Created = Outcome<void>;
  auto layers = parts_.index.layersOf(container.image);
  if (!layers) return Created(refuse(Code::failedPrecondition, "image", "has lost a layer; pull it again"));
  auto making = kj::heap<Making>(*this, container);
  auto composed = composer_.compose(container.id, container.image, *std::move(layers));
  auto recorded = composed.then([&making = *making](Created&& outcome) -> kj::Promise<Created> {
    return outcome ? making.record() : kj::Promise<Created>(std::move(outcome));
  });
  return recorded.attach(kj::mv(making));
}

kj::Promise<Outcome<void>> WritableLayers::record(ContainerRow container) {
  return parts_.writes.run<Outcome<void>>([&store = parts_.store, row = std::move(container)](Index& index) {
    auto may = index.mayAdd(row);
    if (!may) return may;
    // Directory first: a row always has one. A directory without a row is swept at the next start.
    store.makeContainer(row.id);
    index.addContainer(row);
    return may;
  });
}

kj::Promise<void> WritableLayers::remove(const ContainerId& container) {
  using Trashed = std::optional<LayerName>;
  if (auto making = making_.find(container); making != making_.end()) making->second->abandon();
  auto removed = parts_.writes.run<Trashed>([&store = parts_.store, container](Index& index) {
    index.removeContainer(container);
    return store.toTrash(Store::Place::containers, container.text());
  });
  return removed.then([this](Trashed&& trashed) {
    if (trashed) parts_.trash.erase(*trashed);
  });
}

std::uint32_t WritableLayers::projectOf(const ContainerId& container) const {
  auto row = parts_.index.container(container);
  return row ? row->project : 0;
}

Outcome<std::vector<LayerName>> WritableLayers::layersBeneath(const ContainerId& container,
                                                              const std::optional<ImageId>& volume) const {
  auto row = parts_.index.container(container);
  if (!row) return refuse(Code::notFound, "containerId", "has no writable layer");
  if (volume && !row->volumes.contains(*volume))
    return refuse(Code::notFound, "imageId", "is not recorded as a volume of this container");
  auto layers = parts_.index.layersOf(volume.value_or(row->image));
  if (!layers) return refuse(Code::failedPrecondition, "image", "has lost a layer; pull it again");
  return *std::move(layers);
}

}  // namespace bulkhead::storaged
