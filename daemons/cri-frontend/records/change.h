// Change: what the tables tell about a pod or container, once it is written down.
#pragma once

#include <functional>

namespace bulkhead::cri {

enum class Change { created, started, stopped, deleted };

// Called after the record says so and before anybody else runs; must not throw.
template <typename Entry>
using ChangeListener = std::function<void(const Entry&, Change)>;

}  // namespace bulkhead::cri
