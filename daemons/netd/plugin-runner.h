// PluginRunner: runs plugins through cni-runner, and says how many may at once.
#pragma once

#include <kj/async-unix.h>

#include "daemons/netd/gate.h"
#include "daemons/netd/plugin-run.h"
#include "daemons/netd/slots.h"

namespace bulkhead::netd {

// Chains of each direction at once; a chain's run costs netd seven descriptors and the runner a process.
inline constexpr size_t mostChains = 32;

class PluginRunner {
 public:
  PluginRunner(kj::UnixEventPort& port, Fd control) : port_(port), channel_(port, std::move(control)) {}

  // As PluginRun::run(). A run costs seven descriptors: only with a slot.
  kj::Promise<Outcome<std::string>> run(PluginCall call);
  // How many chains run at once. Apart, so that DELs that hang keep no pod from starting, and CHECKs, of
  // which a netd that starts makes many, nobody.
  Slots& addSlots() { return addSlots_; }
  Slots& delSlots() { return delSlots_; }
  Slots& checkSlots() { return checkSlots_; }
  // ADD and DEL go through it, GC alone.
  Gate& gate() { return gate_; }
  // Rejects when the runner has ended: netd then ends as well. Call it once.
  kj::Promise<void> lost();

 private:
  kj::UnixEventPort& port_;
  HelperChannel channel_;
  Slots addSlots_{mostChains};
  Slots delSlots_{mostChains};
  Slots checkSlots_{1};
  Gate gate_;
};

}  // namespace bulkhead::netd
