// Writable layers: one directory and one row per container, on the layers of its image.
#pragma once

#include <optional>
#include <vector>

#include "daemons/storaged/parts.h"

namespace bulkhead::storaged {

class WritableLayers {
 public:
  explicit WritableLayers(Parts& parts) : parts_(parts) {}

  // Idempotent for the same row. Refuses notFound (the image, or one that it mounts), alreadyExists (the
  // container has one on other images).
  kj::Promise<Outcome<void>> create(ContainerRow container);
  // Absent is ok. The row goes first, then the directory into the trash.
  kj::Promise<void> remove(const ContainerId& container);
  [[nodiscard]] std::vector<ContainerRow> list() const { return parts_.index.containers(); }

  // What the mounter asks: the layers beneath, topmost first, or those of an image that the container mounts.
  // Refuses notFound, and failedPrecondition if a layer of the image is lost.
  Outcome<std::vector<LayerName>> layersBeneath(const ContainerId& container,
                                                const std::optional<ImageId>& volume) const;

 private:
  Parts& parts_;
};

}  // namespace bulkhead::storaged
