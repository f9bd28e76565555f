#include "daemons/storaged/writable-layer.h"

namespace bulkhead::storaged {

Outcome<void> WritableLayers::create(const ContainerRow& container) {
  if (auto existing = parts_.index.container(container.id)) {
    if (existing->image == container.image && existing->volumes == container.volumes) return {};
    return refuse(Code::alreadyExists, "containerId", "has a writable layer on another image");
  }
  if (!parts_.index.image(container.image))
    return refuse(Code::notFound, "imageId", "is not the id of a stored image");
  for (const ImageId& image : container.volumes) {
    if (!parts_.index.image(image))
      return refuse(Code::notFound, "volumes", "name an image that is not stored");
  }
  // Directory first: a row always has one. A directory without a row is swept at the next start.
  parts_.store.makeContainer(container.id);
  parts_.index.addContainer(container);
  return {};
}

void WritableLayers::remove(const ContainerId& container) {
  if (!parts_.index.container(container)) return;
  parts_.index.removeContainer(container);
  parts_.trash.discard(Store::Place::containers, container.text());
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
