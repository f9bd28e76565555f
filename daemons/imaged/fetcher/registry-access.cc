#include "daemons/imaged/fetcher/registry-access.h"

#include <algorithm>

namespace bulkhead::fetcher {

// What the configuration forgives, it forgives the place that it names alone: any other needs its own rule.
const ListedPlace* RegistryAccess::placeAt(const Url& url) const {
  auto found = std::find_if(places.begin(), places.end(),
                            [&url](const ListedPlace& place) { return url.isAt(place.host); });
  return found == places.end() ? nullptr : &*found;
}

}  // namespace bulkhead::fetcher
