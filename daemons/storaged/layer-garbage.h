// Which layers may go: those that no image, no container and no image on its way in needs.
#pragma once

#include <set>
#include <vector>

#include "daemons/storaged/index.h"
#include "daemons/storaged/trash.h"

namespace bulkhead::storaged {

class LayerGarbage {
 public:
  LayerGarbage(Index& index, Trash& trash) : index_(index), trash_(trash) {}

  // An image on its way in counts on these layers: they stay, whatever else is removed. Counted.
  void hold(const std::vector<LayerName>& layers) { held_.insert(layers.begin(), layers.end()); }
  void release(const std::vector<LayerName>& layers);
  // Forgets, then erases, what nobody needs.
  void collect();

 private:
  Index& index_;
  Trash& trash_;
  std::multiset<LayerName> held_;
};

}  // namespace bulkhead::storaged
