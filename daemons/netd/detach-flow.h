// A pod leaves the network: CNI DEL, then the namespace, then the debt is forgotten.
#pragma once

#include "daemons/netd/plugin-chain.h"
#include "daemons/netd/tools.h"

namespace bulkhead::netd {

class DetachFlow {
 public:
  // `result`: the ADD's, if it got that far.
  DetachFlow(const Tools& tools, OwedRecord record, std::optional<CniResult> result,
             PluginChain::AtFailure atFailure);

  // Once. After a refusal or an exception the debt is still there, and a new flow may try again.
  kj::Promise<Outcome<void>> run();

 private:
  kj::Promise<Outcome<void>> del();
  kj::Promise<Outcome<void>> removeNamespace(Outcome<void> deleted);
  kj::Promise<Outcome<void>> forget(Outcome<void> removed);

  const Tools& tools_;
  OwedRecord record_;
  std::optional<CniResult> result_;
  PluginChain::AtFailure atFailure_;
};

}  // namespace bulkhead::netd
