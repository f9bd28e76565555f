#include "daemons/storaged/writable-layer.h"

namespace bulkhead::storaged {

Outcome<void> WritableLayers::create(const ContainerId& container, const ImageId& image) {
  if (auto existing = parts_.index.container(container)) {
    if (existing->image == image) return {};
    return refuse(Code::alreadyExists, "containerId", "has a writable layer on another image");
  }
  if (!parts_.index.image(image)) return refuse(Code::notFound, "imageId", "is not the id of a stored image");
  // Directory first: a row always has one. A directory without a row is swept at the next start.
  parts_.store.makeContainer(container);
  parts_.index.addContainer({container, image});
  return {};
}

void WritableLayers::remove(const ContainerId& container) {
  if (!parts_.index.container(container)) return;
  parts_.index.removeContainer(container);
  parts_.trash.discard(Store::Place::containers, container.text());
}

Outcome<std::vector<LayerName>> WritableLayers::layersBeneath(const ContainerId& container) const {
  auto row = parts_.index.container(container);
  if (!row) return refuse(Code::notFound, "containerId", "has no writable layer");
  auto layers = parts_.index.layersBeneath(*row);
  if (!layers) return refuse(Code::failedPrecondition, "image", "has lost a layer; pull it again");
  return *std::move(layers);
}

}  // namespace bulkhead::storaged
