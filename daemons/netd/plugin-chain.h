// A network's plugins one after the other about one pod (CNI specification 1.1, section 3, "Attachment",
// "Detachment" and "Check").
#pragma once

#include <chrono>
#include <optional>

#include "daemons/netd/cni-result.h"
#include "daemons/netd/conflist.h"
#include "daemons/netd/plugin-runner.h"

namespace bulkhead::netd {

// `conflist` and `pod` are borrowed and outlive the chain. `timeout` counts from the chain's turn.
class PluginChain {
 public:
  // ADD in order; the result of the last plugin. `timeout` is the whole chain's.
  static kj::Promise<Outcome<CniResult>> add(PluginRunner& runner, const Conflist& conflist,
                                             const PodNetwork& pod, std::chrono::milliseconds timeout);

  enum class AtFailure {
    stop,  // as the specification says; the chain is repeated as a whole, since DEL is idempotent
    goOn,  // so that a plugin that never succeeds keeps only what is its own; each has `timeout` for itself
  };
  // DEL in reverse order; the first failure.
  static kj::Promise<Outcome<void>> del(PluginRunner& runner, const Conflist& conflist, const PodNetwork& pod,
                                        std::optional<Json> addResult, AtFailure atFailure,
                                        std::chrono::milliseconds timeout);
  // CHECK in order, stopping at the first failure. For networks of version 0.4.0 and later.
  static kj::Promise<Outcome<void>> check(PluginRunner& runner, const Conflist& conflist,
                                          const PodNetwork& pod, Json addResult,
                                          std::chrono::milliseconds timeout);

 private:
  PluginChain(PluginRunner& runner, const Conflist& conflist, const PodNetwork& pod,
              std::optional<Json> result, std::chrono::milliseconds timeout);

  // Takes its slot and its pass through the gate, which starts the clock.
  kj::Promise<void> begin(Slots& slots);
  void startClock();
  kj::Promise<Outcome<CniResult>> addNext();
  kj::Promise<Outcome<CniResult>> added(const Plugin& plugin, Outcome<std::string> printed);
  kj::Promise<Outcome<void>> delNext();
  kj::Promise<Outcome<void>> deleted(Outcome<std::string> printed);
  kj::Promise<Outcome<void>> checkNext();
  kj::Promise<Outcome<std::string>> run(const Plugin& plugin, schema::PluginRun::Command command);

  PluginRunner& runner_;
  const Conflist& conflist_;
  const PodNetwork& pod_;
  std::optional<Json> result_;  // prevResult of the next run
  CniResult last_;
  AtFailure atFailure_ = AtFailure::stop;
  Outcome<void> failure_;  // of a DEL that went on
  size_t done_ = 0;        // plugins run so far
  std::chrono::milliseconds timeout_;
  std::chrono::steady_clock::time_point deadline_;
  kj::Own<Slots::Slot> slot_;
  kj::Own<Gate::Pass> pass_;
};

}  // namespace bulkhead::netd
