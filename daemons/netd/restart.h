// Restart: netd ends, and the supervisor starts it anew, when the CNI configuration has moved to where this
// one may not read. Only while no plugin runs; whoever asked asks the next netd.
#pragma once

#include <kj/async.h>

#include "daemons/netd/configuration-place.h"
#include "daemons/netd/gate.h"

namespace bulkhead::netd {

class Restart {
 public:
  // `over` ends netd. The rest is borrowed.
  Restart(const ConfigurationPlace& place, const Gate& gate, kj::Own<kj::PromiseFulfiller<void>> over)
      : place_(place), gate_(gate), over_(kj::mv(over)) {}

  // Whether netd ends now: then nobody is answered any more.
  bool isDue();

 private:
  const ConfigurationPlace& place_;
  const Gate& gate_;
  kj::Own<kj::PromiseFulfiller<void>> over_;
};

}  // namespace bulkhead::netd
