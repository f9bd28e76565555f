#include "daemons/storaged/sweep.h"

#include <algorithm>
#include <set>

#include "daemons/common/base/log.h"

namespace bulkhead::storaged {
namespace {

using Place = Store::Place;

std::set<std::string> entries(const Store& store, Place place) {
  auto names = store.list(place);
  return {names.begin(), names.end()};
}

void forgetLostLayers(Parts& parts, const std::set<std::string>& onDisk) {
  std::vector<LayerName> lost = parts.index.layers();
  std::erase_if(lost, [&](const LayerName& name) { return onDisk.contains(name.text()); });
  for (const LayerName& layer : lost) {
    for (const ImageId& image : parts.index.imagesOn(layer)) {
      log::error("an image has lost a layer and is forgotten",
                 {{"image", image.text()}, {"layer", layer.text()}});
      parts.writes.atStart().forgetImage(image);
    }
  }
  if (!lost.empty()) parts.writes.atStart().forgetLayers(lost);
}

void discardUnknown(Parts& parts, Place place, const std::set<std::string>& onDisk,
                    const std::set<std::string>& known) {
  for (const std::string& name : onDisk) {
    if (!known.contains(name)) parts.trash.discard(place, name);
  }
}

void sweepContainers(Parts& parts) {
  std::set<std::string> known;
  for (const ContainerRow& row : parts.index.containers()) {
    known.insert(row.id.text());
    parts.store.makeContainer(row.id);  // the row is durable before the directory's entry need be
  }
  discardUnknown(parts, Place::containers, entries(parts.store, Place::containers), known);
}

void sweepLayers(Parts& parts) {
  auto onDisk = entries(parts.store, Place::layers);
  forgetLostLayers(parts, onDisk);
  (void)parts.garbage.collect();
  std::set<std::string> known;
  for (const LayerName& name : parts.index.layers()) known.insert(name.text());
  // Listed before the collection, so that nothing is discarded twice but by name, which is harmless.
  discardUnknown(parts, Place::layers, onDisk, known);
}

void eraseTrash(Parts& parts) {
  for (const std::string& name : parts.store.list(Place::trash)) {
    if (auto known = LayerName::parse(name)) {
      parts.trash.erase(*known);
    } else {
      log::warning("a strange name in the trash is left alone", {{"name", name}});
    }
  }
}

}  // namespace

void sweep(Parts& parts) {
  eraseTrash(parts);  // first: what the rest discards is queued by itself
  discardUnknown(parts, Place::staging, entries(parts.store, Place::staging), {});
  sweepLayers(parts);
  sweepContainers(parts);
}

}  // namespace bulkhead::storaged
