#include "daemons/storaged/layer-garbage.h"

namespace bulkhead::storaged {

void LayerGarbage::release(const std::vector<LayerName>& layers) {
  for (const LayerName& layer : layers) {
    if (auto held = held_.find(layer); held != held_.end()) held_.erase(held);
  }
}

void LayerGarbage::collect() {
  std::vector<LayerName> unneeded = index_.unreferencedLayers();
  std::erase_if(unneeded, [this](const LayerName& name) { return held_.contains(name); });
  if (unneeded.empty()) return;
  index_.forgetLayers(unneeded);
  for (const LayerName& name : unneeded) trash_.discard(Store::Place::layers, name.text());
}

}  // namespace bulkhead::storaged
