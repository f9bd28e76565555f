// CHECK: is a pod's network still as its ADD left it? Asked once, when netd comes back to pods that run.
#pragma once

#include "daemons/netd/tools.h"

namespace bulkhead::netd {

class CheckFlow {
 public:
  // Whether the network's version has CHECK, root has not switched it off, and the ADD's result is known.
  static bool isPossible(const OwedRecord& record, const CniResult& result);

  CheckFlow(const Tools& tools, OwedRecord record, const CniResult& result)
      : tools_(tools), record_(std::move(record)), result_(result.document) {}

  // Once. A network that is not as it was is logged.
  kj::Promise<void> run();

 private:
  const Tools& tools_;
  OwedRecord record_;
  Json result_;
};

}  // namespace bulkhead::netd
