// Which layers may go: those that no image, no container and no image on its way in needs.
#pragma once

#include <set>
#include <vector>

#include "daemons/storaged/index-writer.h"
#include "daemons/storaged/trash.h"

namespace bulkhead::storaged {

class LayerGarbage {
 public:
  LayerGarbage(const Index& index, IndexWriter& writes, Trash& trash, kj::TaskSet& background)
      : index_(index), writes_(writes), trash_(trash), background_(background) {}

  // An image on its way in counts on these layers: they stay, whatever else is removed. Counted.
  void hold(const std::vector<LayerName>& layers) { held_.insert(layers.begin(), layers.end()); }
  void release(const std::vector<LayerName>& layers);
  // About to be forgotten: nobody can count on it any more.
  [[nodiscard]] bool isGoing(const LayerName& layer) const { return going_.contains(layer); }
  // Forgets what nobody needs and takes it out of layers/; it is erased later. Goes on if the promise is
  // dropped.
  kj::Promise<void> collect();

 private:
  const Index& index_;
  IndexWriter& writes_;
  Trash& trash_;
  kj::TaskSet& background_;
  std::multiset<LayerName> held_;
  std::set<LayerName> going_;
};

}  // namespace bulkhead::storaged
