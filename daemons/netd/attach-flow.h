// A pod comes to the network: the debt is written, the namespace made, CNI ADD run, its result kept.
#pragma once

#include "daemons/netd/tools.h"

namespace bulkhead::netd {

class AttachFlow {
 public:
  AttachFlow(const Tools& tools, OwedRecord record) : tools_(tools), record_(std::move(record)) {}

  // Once. After a refusal or an exception a DEL may be owed for the pod.
  kj::Promise<Outcome<CniResult>> run();

 private:
  kj::Promise<Outcome<void>> prepare();
  kj::Promise<Outcome<CniResult>> add(Outcome<void> prepared);
  kj::Promise<Outcome<CniResult>> keep(Outcome<CniResult> result);

  const Tools& tools_;
  OwedRecord record_;
};

}  // namespace bulkhead::netd
