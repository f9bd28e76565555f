#include "daemons/storaged/layer-garbage.h"

namespace bulkhead::storaged {

void LayerGarbage::release(const std::vector<LayerName>& layers) {
  for (const LayerName& layer : layers) {
    if (auto held = held_.find(layer); held != held_.end()) held_.erase(held);
  }
}

kj::Promise<void> LayerGarbage::collect() {
  std::vector<LayerName> unneeded = index_.unreferencedLayers();
  std::erase_if(unneeded,
                [this](const LayerName& name) { return held_.contains(name) || going_.contains(name); });
  if (unneeded.empty()) return kj::READY_NOW;
  going_.insert(unneeded.begin(), unneeded.end());
  auto forgotten = writes_.run<std::vector<LayerName>>(
      [unneeded](Index& index) { return index.forgetUnreferenced(unneeded); });
  auto after = kj::defer([this, unneeded]() {
    for (const LayerName& name : unneeded) going_.erase(name);
  });
  auto discarded = forgotten
                       .then([this](std::vector<LayerName>&& names) {
                         for (const LayerName& name : names)
                           trash_.discard(Store::Place::layers, name.text());
                       })
                       .attach(kj::mv(after))
                       .fork();
  background_.add(discarded.addBranch());
  return discarded.addBranch();
}

}  // namespace bulkhead::storaged
