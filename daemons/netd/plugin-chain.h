// A network's plugins one after the other (CNI specification 1.1, section 3, "Attachment" and "Detachment").
#pragma once

#include <kj/async-unix.h>

#include <chrono>
#include <optional>

#include "daemons/netd/cni-result.h"
#include "daemons/netd/conflist.h"
#include "daemons/netd/plugin-run.h"
#include "daemons/netd/slots.h"

namespace bulkhead::netd {

// Chains of each direction at once; a chain's run costs netd seven descriptors and the runner a process.
inline constexpr size_t mostChains = 32;

// Runs plugins through cni-runner.
class PluginRunner {
 public:
  PluginRunner(kj::UnixEventPort& port, Fd control) : port_(port), channel_(port, std::move(control)) {}

  // As PluginRun::run(). A run costs seven descriptors: only with a slot.
  kj::Promise<Outcome<PluginOutput>> run(PluginCall call);
  // How many chains run at once. Apart, so that DELs that hang keep no pod from starting.
  Slots& addSlots() { return addSlots_; }
  Slots& delSlots() { return delSlots_; }
  // Rejects when the runner has ended: netd then ends as well. Call it once.
  kj::Promise<void> lost();

 private:
  kj::UnixEventPort& port_;
  HelperChannel channel_;
  Slots addSlots_{mostChains};
  Slots delSlots_{mostChains};
};

// What both directions share. `conflist` and `pod` are borrowed and outlive the chain.
class PluginChain {
 public:
  // ADD in order; the result of the last plugin. `timeout` is the whole chain's, from the slot on.
  static kj::Promise<Outcome<CniResult>> add(PluginRunner& runner, const Conflist& conflist,
                                             const PodNetwork& pod, std::chrono::milliseconds timeout);
  // DEL in reverse order, stopping at the first failure: repeated as a whole, since DEL is idempotent.
  static kj::Promise<Outcome<void>> del(PluginRunner& runner, const Conflist& conflist, const PodNetwork& pod,
                                        std::optional<Json> addResult, std::chrono::milliseconds timeout);

 private:
  PluginChain(PluginRunner& runner, const Conflist& conflist, const PodNetwork& pod,
              std::optional<Json> result, std::chrono::milliseconds timeout);

  // Takes its slot, which starts the clock.
  kj::Promise<void> begin(Slots& slots);
  kj::Promise<Outcome<CniResult>> addNext();
  kj::Promise<Outcome<CniResult>> added(const Plugin& plugin, Outcome<PluginOutput> output);
  kj::Promise<Outcome<void>> delNext();
  kj::Promise<Outcome<PluginOutput>> run(const Plugin& plugin, schema::PluginRun::Command command);

  PluginRunner& runner_;
  const Conflist& conflist_;
  const PodNetwork& pod_;
  std::optional<Json> result_;  // prevResult of the next run
  CniResult last_;
  size_t done_ = 0;  // plugins run so far
  std::chrono::milliseconds timeout_;
  std::chrono::steady_clock::time_point deadline_;
  kj::Own<Slots::Slot> slot_;
};

}  // namespace bulkhead::netd
