#include "daemons/storaged/writable-layer.h"

namespace bulkhead::storaged {

kj::Promise<Outcome<void>> WritableLayers::create(ContainerRow container) {
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
  auto removed = parts_.writes.run<Trashed>([&store = parts_.store, container](Index& index) {
    index.removeContainer(container);
    return store.toTrash(Store::Place::containers, container.text());
  });
  return removed.then([this](Trashed&& trashed) {
    if (trashed) parts_.trash.erase(*trashed);
  });
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
