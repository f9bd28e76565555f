// Writable layers: one directory and one row per container, on the layers of its image.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "daemons/storaged/parts.h"
#include "daemons/storaged/root-composer.h"

namespace bulkhead::storaged {

class WritableLayers {
 public:
  explicit WritableLayers(Parts& parts) : parts_(parts), composer_(parts) {}

  // Idempotent for the same row. Refuses notFound (the image, or one that it mounts), alreadyExists (the
  // container has one on other images), and without overlay unavailable (it is being made),
  // resourceExhausted, internal.
  kj::Promise<Outcome<void>> create(ContainerRow container);
  // Absent is ok. The row goes first, then the directory into the trash; one that is being made gets no row.
  kj::Promise<void> remove(const ContainerId& container);
  [[nodiscard]] std::vector<ContainerRow> list() const { return parts_.index.containers(); }

  // For the file system's quotas; 0 for a container that has no layer.
  [[nodiscard]] std::uint32_t projectOf(const ContainerId& container) const;
  // What the mounter asks: the layers beneath, topmost first, or those of an image that the container mounts.
  // Refuses notFound, and failedPrecondition if a layer of the image is lost.
  Outcome<std::vector<LayerName>> layersBeneath(const ContainerId& container,
                                                const std::optional<ImageId>& volume) const;

 private:
  class Making;
  kj::Promise<Outcome<void>> compose(ContainerRow container);
  kj::Promise<Outcome<void>> record(ContainerRow container);

  Parts& parts_;
  RootComposer composer_;
  std::map<ContainerId, Making*> making_;
};

}  // namespace bulkhead::storaged
