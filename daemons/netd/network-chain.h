// A network's plugins one after the other about the network itself (CNI specification 1.1, "STATUS" and
// "GC"). For networks of version 1.1.0 and later: earlier plugins know neither.
#pragma once

#include <chrono>
#include <vector>

#include "daemons/netd/conflist.h"
#include "daemons/netd/plugin-runner.h"

namespace bulkhead::netd {

class NetworkChain {
 public:
  // Whether every plugin can ADD now; the first that says no, or does not answer. `timeout` is the whole
  // chain's.
  static kj::Promise<Outcome<void>> status(PluginRunner& runner, Conflist conflist,
                                           std::chrono::milliseconds timeout);
  // Has every plugin free what belongs to no pod of `valid`; the first failure, after all were asked. Under a
  // pass that keeps ADD and DEL away.
  static kj::Promise<Outcome<void>> collect(PluginRunner& runner, Conflist conflist, std::vector<PodId> valid,
                                            std::chrono::milliseconds timeout);

 private:
  NetworkChain(PluginRunner& runner, Conflist conflist, std::chrono::milliseconds timeout);

  kj::Promise<Outcome<void>> statusNext();
  kj::Promise<Outcome<void>> collectNext();
  kj::Promise<Outcome<std::string>> run(schema::PluginRun::Command command, std::string config);

  PluginRunner& runner_;
  Conflist conflist_;
  std::vector<PodId> valid_;
  Outcome<void> failure_;
  size_t done_ = 0;  // plugins run so far
  std::chrono::steady_clock::time_point deadline_;
};

}  // namespace bulkhead::netd
